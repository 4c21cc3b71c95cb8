"""Signatures as in the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`, base64, prefixed `v1,`.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

SECRET_VARIABLE = "SIMULATOR_SIGNING_SECRET"  # noqa: S105 - the name of a variable
TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of a secret, not one


class Refusal(StrEnum):
    """Why a signed request is not accepted."""

    MISSING = "signature headers are missing"
    STALE = "timestamp is outside the tolerance"
    FORGED = "signature does not match"


def sign(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body sent under `identifier` at `timestamp` (Unix seconds).

    `secret` is the base64 of the key with the prefix `whsec_`, or the key itself.
    """
    signed = f"{identifier}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True)
class Signed:
    """The headers of a signed request; empty where one is absent. `signature` may hold several, separated by spaces."""

    identifier: str
    timestamp: str
    signature: str


def refusal(secret: str, signed: Signed, body: bytes, now: float) -> Refusal | None:
    """Return why a body received at `now` (Unix seconds) is not accepted, or None if it is."""
    if not (signed.identifier and signed.timestamp and signed.signature):
        return Refusal.MISSING
    if not signed.timestamp.isdecimal() or abs(now - int(signed.timestamp)) > TOLERANCE_SECONDS:
        return Refusal.STALE
    expected = sign(secret, signed.identifier, int(signed.timestamp), body).encode()
    if not any(hmac.compare_digest(expected, candidate.encode()) for candidate in signed.signature.split()):
        return Refusal.FORGED
    return None


def _key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret that starts with whsec_ continues in base64") from error
