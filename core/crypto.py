"""Field encryption: what a student wrote is sealed under the student's own key.

A subject (student, or a case record) has a random data key. The data key is wrapped by a master key and stored; the
field is sealed with AES-256-GCM and bound to its row by associated data. Deleting the wrapped key deletes every field.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import CompanionError, ConfigurationError

NONCE_BYTES = 12
KEY_BYTES = 32


class Unreadable(CompanionError):
    """This entry can no longer be read."""

    code = "unreadable"


def new_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(KEY_BYTES)


def decode_key(text: str, name: str) -> bytes:
    """Decode a base64 key of 32 bytes; raises `ConfigurationError` with the setting's name."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"{name} is not valid base64.") from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{name} must hold 32 bytes in base64; it holds {len(key)}.")
    return key


def _seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error


@dataclass(frozen=True, slots=True, repr=False)
class SubjectKey:
    """The unwrapped data key of one subject; seals and opens its fields."""

    key: bytes

    def seal(self, text: str, bound_to: str) -> bytes:
        """Encrypt text, bound to the row it belongs to, for example `messages.body:<id>`."""
        return _seal(self.key, text.encode(), bound_to.encode())

    def digest(self, text: str) -> bytes:
        """Keyed hash of a text: tells equal texts apart from others without keeping a guessable hash."""
        return hmac.new(self.key, text.encode(), hashlib.sha256).digest()

    def open(self, sealed: bytes, bound_to: str) -> str:
        """Decrypt; raises `Unreadable` for a wrong key, a moved row or damaged data."""
        return _open(self.key, bytes(sealed), bound_to.encode()).decode()


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """The master keys: the first wraps, any of them unwraps, so that keys can be rotated without downtime."""

    masters: tuple[bytes, ...]

    @classmethod
    def from_setting(cls, text: str) -> KeyRing:
        """Read comma-separated base64 keys; raises `ConfigurationError`."""
        keys: Sequence[str] = [part.strip() for part in text.split(",") if part.strip()]
        if not keys:
            raise ConfigurationError("COMPANION_MASTER_KEY is missing.")
        return cls(tuple(decode_key(key, "COMPANION_MASTER_KEY") for key in keys))

    @property
    def current(self) -> str:
        """Fingerprint of the master key that wraps new keys."""
        return fingerprint(self.masters[0])

    def wrap(self, key: SubjectKey, subject: str) -> bytes:
        """Wrap a data key for storage, bound to its subject."""
        return _seal(self.masters[0], key.key, subject.encode())

    def unwrap(self, wrapped: bytes, subject: str) -> SubjectKey:
        """Unwrap a stored data key; raises `Unreadable` when no master key fits."""
        for master in self.masters:
            try:
                return SubjectKey(_open(master, bytes(wrapped), subject.encode()))
            except Unreadable:
                continue
        raise Unreadable


def fingerprint(key: bytes) -> str:
    """Short public name of a key."""
    return hashlib.sha256(b"companion-key:" + key).hexdigest()[:12]


def blind_index(key: bytes, value: str) -> bytes:
    """Keyed hash by which an encrypted value, such as an e-mail address, can be looked up."""
    return hmac.new(key, value.strip().casefold().encode(), hashlib.sha256).digest()
