"""Access tokens (RS256, short) and refresh tokens (random, rotating, stored as hashes)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import jwt

from core.clock import Clock
from core.errors import NotAuthenticated
from core.ids import AccountId, InstitutionId, StudentId, new_id
from core.settings import Settings
from db.access import Acting, Connection, Role

AUDIENCE = "companion"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets at sign-in."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    device: str | None = None
    """Makes this device known at its next sign-in; None when it was known already."""


class AccessTokens:
    """Signs and reads access tokens with the service's RSA key."""

    def __init__(self, private_key_pem: str, clock: Clock, life: timedelta) -> None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        key = load_pem_private_key(private_key_pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("COMPANION_TOKEN_PRIVATE_KEY must be an RSA key.")
        self._private, self._public = key, key.public_key()
        self._clock, self._life = clock, life

    def issue(self, who: Acting) -> tuple[str, datetime]:
        """Return a signed token and when it ends."""
        now = self._clock.now()
        expires = now + self._life
        claims = {
            "sub": str(who.account_id),
            "inst": str(who.institution_id),
            "role": who.role.value,
            "aud": AUDIENCE,
            "iat": now,
            "exp": expires,
            "jti": str(new_id()),
        }
        return jwt.encode(claims, self._private, algorithm="RS256"), expires

    def read(self, token: str) -> Acting:
        """Return who acts; raises `NotAuthenticated` for a forged, expired or malformed token."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "aud"], "verify_exp": False, "verify_iat": False},
            )
            if claims["exp"] <= self._clock.now().timestamp():
                raise NotAuthenticated("Your session ended. Please sign in again; what you wrote stays on your screen.")
            account, role = UUID(claims["sub"]), Role(claims["role"])
            institution = InstitutionId(UUID(claims["inst"]))
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise NotAuthenticated from error
        return replace(acting_for(institution, AccountId(account), role), signed_in=True)


def acting_for(institution: InstitutionId, account: AccountId, role: Role) -> Acting:
    """The acting person of an account: a student's own rows are open to them, nobody's to staff."""
    return Acting(institution, account, role, StudentId(account) if role is Role.STUDENT else None)


def hash_refresh(token: str) -> bytes:
    """What is stored of a refresh token."""
    return hashlib.sha256(token.encode()).digest()


async def issue_refresh(
    conn: Connection, who: Acting, settings: Settings, clock: Clock, family: UUID | None = None
) -> tuple[str, datetime]:
    """Store and return a new refresh token, in a new family or the given one."""
    token = secrets.token_urlsafe(32)
    expires = clock.now() + timedelta(days=settings.refresh_token_days)
    await conn.execute(
        "insert into refresh_tokens (id, account_id, institution_id, family, token_hash, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (new_id(), who.account_id, who.institution_id, family or new_id(), hash_refresh(token), clock.now(), expires),
    )
    return token, expires
