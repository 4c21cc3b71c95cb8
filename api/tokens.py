"""Tokens as a client gets them: in the body, and in a browser's cookies where scripts cannot read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from api.deps import ACCESS_COOKIE, DEVICE_COOKIE, REFRESH_COOKIE
from db.access import Acting, Role
from tools.people.attempts import DEVICE_LIFE
from tools.people.tokens import Tokens

Short = Annotated[str, Field(max_length=254)]
Secret = Annotated[str, Field(max_length=256)]
Token = Annotated[str, Field(max_length=200)]


class TokenPair(BaseModel):
    """Tokens of a signed-in account."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # a word of RFC 6750, not a secret
    role: Role
    device: str | None = Field(
        None, description="Keep it and send it as `Companion-Device`: a known device is not locked by others' tries"
    )


def token_pair(who: Acting, tokens: Tokens) -> TokenPair:
    """Tokens as the body of an answer."""
    return TokenPair(
        access_token=tokens.access_token,
        access_expires_at=tokens.access_expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        role=who.role,
        device=tokens.device,
    )


def set_cookies(response: Response, tokens: Tokens, *, secure: bool) -> None:
    """Keep the tokens where scripts cannot read them."""
    for name, value, expires in (
        (ACCESS_COOKIE, tokens.access_token, tokens.access_expires_at),
        (REFRESH_COOKIE, tokens.refresh_token, tokens.refresh_expires_at),
    ):
        response.set_cookie(name, value, expires=expires, httponly=True, secure=secure, samesite="lax", path="/")
    if tokens.device is not None:
        life = int(DEVICE_LIFE / timedelta(seconds=1))
        response.set_cookie(
            DEVICE_COOKIE, tokens.device, max_age=life, httponly=True, secure=secure, samesite="lax", path="/"
        )


def clear_cookies(response: Response) -> None:
    """Forget the tokens in this browser; the device stays known, which opens nothing."""
    response.delete_cookie(ACCESS_COOKIE, path="/")
    response.delete_cookie(REFRESH_COOKIE, path="/")
