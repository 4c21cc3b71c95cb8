"""Passwords: Argon2id, computed off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from core.errors import InvalidInput

SHORTEST, LONGEST = 10, 256
_hasher = PasswordHasher()
_UNKNOWN = _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """Hash a new password; raises `InvalidInput` when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"Choose a password of {SHORTEST} to {LONGEST} characters.")
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(stored: str | None, password: str) -> bool:
    """Check a password; an unknown account takes as long as a known one."""

    def check() -> bool:
        try:
            return _hasher.verify(stored or _UNKNOWN, password) and stored is not None
        except (VerifyMismatchError, InvalidHashError):
            return False

    return await asyncio.to_thread(check)
