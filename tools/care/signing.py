"""Signs what is sent to the institution, as the Standard Webhooks specification does.

HMAC-SHA256 over `id.timestamp.body`, base64, prefixed `v1,`. A secret that begins with `whsec_` is base64.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from core.errors import ConfigurationError

PREFIX = "whsec_"


def sign(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body sent under `identifier` at `timestamp` (Unix seconds).

    Raises `ConfigurationError` for a secret that claims to be base64 and is not.
    """
    digest = hmac.new(_key(secret), f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ConfigurationError("COMPANION_WEBHOOK_SECRET begins with whsec_ but is not base64.") from error
