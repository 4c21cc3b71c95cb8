"""Sealing to a public key: whoever holds it can put something away that only the holder of the private key reads.

Each box has a fresh X25519 key pair; HKDF-SHA256 over the shared secret and both public keys gives the key of one
ChaCha20-Poly1305 encryption. The sender's half is forgotten, so not even the sender can open the box again.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.crypto import KEY_BYTES, NONCE_BYTES, Unreadable, decode_key
from core.errors import ConfigurationError

PURPOSE = b"companion sealed box 1"
ONE_USE = bytes(NONCE_BYTES)
"""The key of a box encrypts once, so its nonce may be constant."""


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """The public half: seals, and cannot open."""

    public: bytes

    @classmethod
    def from_setting(cls, text: str, name: str) -> SealingKey:
        """Read 32 bytes in base64; raises `ConfigurationError` with the setting's name."""
        return cls(decode_key(text, name))

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Seal bytes, bound to what is written beside them in the clear."""
        mine = X25519PrivateKey.generate()
        sender = mine.public_key().public_bytes_raw()
        shared = mine.exchange(X25519PublicKey.from_public_bytes(self.public))
        key = _derive(shared, sender, self.public)
        return sender + ChaCha20Poly1305(key).encrypt(ONE_USE, plain, bound_to)


@dataclass(frozen=True, slots=True, repr=False)
class OpeningKeys:
    """The private halves: the first belongs to the present public key, the others to earlier ones."""

    private: tuple[bytes, ...]

    @classmethod
    def from_setting(cls, text: str, name: str) -> OpeningKeys:
        """Read comma-separated base64 keys; raises `ConfigurationError` with the setting's name."""
        keys = [part.strip() for part in text.split(",") if part.strip()]
        if not keys:
            raise ConfigurationError(f"{name} is missing.")
        return cls(tuple(decode_key(key, name) for key in keys))

    @property
    def public(self) -> bytes:
        """The public half that boxes are to be sealed to now."""
        return X25519PrivateKey.from_private_bytes(self.private[0]).public_key().public_bytes_raw()

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Open a box; raises `Unreadable` when no key fits, or box or binding were changed."""
        sender, box = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
        for private in self.private:
            mine = X25519PrivateKey.from_private_bytes(private)
            try:
                shared = mine.exchange(X25519PublicKey.from_public_bytes(sender))
                key = _derive(shared, sender, mine.public_key().public_bytes_raw())
                return ChaCha20Poly1305(key).decrypt(ONE_USE, box, bound_to)
            except (InvalidTag, ValueError):
                continue
        raise Unreadable


def new_pair() -> tuple[str, str]:
    """Return a fresh public and private key, base64."""
    private = X25519PrivateKey.generate()
    halves = (private.public_key().public_bytes_raw(), private.private_bytes_raw())
    public, secret = (base64.b64encode(half).decode() for half in halves)
    return public, secret


def _derive(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=sender + receiver, info=PURPOSE).derive(shared)
