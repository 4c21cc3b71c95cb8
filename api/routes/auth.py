"""Accounts: register, sign in, refresh, sign out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.deps import ACCESS_COOKIE, REFRESH_COOKIE, ActingDep, PartsDep, same_origin
from core.errors import NotAuthenticated
from db.access import Acting, Role
from tools.people.accounts import AgeBand, NewAccount
from tools.people.people import read_profile
from tools.people.tokens import Tokens

router = APIRouter(prefix="/api/v1", tags=["accounts"])
Short = Annotated[str, Field(max_length=254)]


class Registration(BaseModel):
    """A new student account."""

    email: Short
    password: Annotated[str, Field(max_length=256)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    campus: Short | None = Field(None, description="Short name of the campus; may be left out where there is one")
    age_band: AgeBand | None = None
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = None
    time_zone: Short = "UTC"
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    pronouns: Annotated[str, Field(max_length=40)] | None = None


class Credentials(BaseModel):
    """E-mail and password; `browser` asks for cookies beside the tokens."""

    email: Short
    password: Annotated[str, Field(max_length=256)]
    campus: Short | None = None
    browser: bool = False


class RefreshRequest(BaseModel):
    """The refresh token; a browser sends its cookie instead."""

    refresh_token: Annotated[str, Field(max_length=200)] | None = None


class TokenPair(BaseModel):
    """Tokens of a signed-in account."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # a word of RFC 6750, not a secret
    role: Role


class Me(BaseModel):
    """The signed-in account."""

    id: UUID
    role: Role
    name: str
    pronouns: str | None
    region: str | None
    time_zone: str
    language: str


def set_cookies(response: Response, tokens: Tokens, *, secure: bool) -> None:
    """Keep the tokens where scripts cannot read them."""
    for name, value, expires in (
        (ACCESS_COOKIE, tokens.access_token, tokens.access_expires_at),
        (REFRESH_COOKIE, tokens.refresh_token, tokens.refresh_expires_at),
    ):
        response.set_cookie(name, value, expires=expires, httponly=True, secure=secure, samesite="lax", path="/")


def clear_cookies(response: Response) -> None:
    """Forget the tokens in this browser."""
    response.delete_cookie(ACCESS_COOKIE, path="/")
    response.delete_cookie(REFRESH_COOKIE, path="/")


def _pair(who: Acting, tokens: Tokens) -> TokenPair:
    return TokenPair(
        access_token=tokens.access_token,
        access_expires_at=tokens.access_expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        role=who.role,
    )


def client_of(request: Request) -> str:
    """The address that limits are counted by."""
    return request.client.host if request.client else "unknown"


@router.post("/auth/register", status_code=201)
async def register(body: Registration, request: Request, parts: PartsDep) -> TokenPair:
    """Create a student account and sign it in."""
    await parts.limiter.hit("register", client_of(request), "20/hour" if parts.settings.production else "1000/hour")
    account = NewAccount(
        body.email, body.password, body.name, body.age_band, body.region, body.time_zone, body.language, body.pronouns
    )
    await parts.accounts.register(body.campus, account)
    who, tokens = await parts.accounts.login(body.campus, body.email, body.password)
    return _pair(who, tokens)


@router.post("/auth/login")
async def login(body: Credentials, request: Request, response: Response, parts: PartsDep) -> TokenPair:
    """Sign in."""
    await parts.limiter.hit("login", client_of(request), "60/minute")
    who, tokens = await parts.accounts.login(body.campus, body.email, body.password)
    if body.browser:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return _pair(who, tokens)


@router.post("/auth/refresh")
async def refresh(body: RefreshRequest, request: Request, response: Response, parts: PartsDep) -> TokenPair:
    """Exchange a refresh token for new tokens; each may be used once."""
    from_cookie = request.cookies.get(REFRESH_COOKIE)
    if body.refresh_token is None and from_cookie:
        same_origin(request)
    token = body.refresh_token or from_cookie
    if not token:
        raise NotAuthenticated
    who, tokens = await parts.accounts.refresh(token)
    if body.refresh_token is None:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return _pair(who, tokens)


@router.post("/auth/logout", status_code=204)
async def logout(body: RefreshRequest, request: Request, response: Response, parts: PartsDep) -> None:
    """Revoke the refresh token and its family."""
    from_cookie = request.cookies.get(REFRESH_COOKIE)
    if body.refresh_token is None and from_cookie:
        same_origin(request)
    token = body.refresh_token or from_cookie
    if token:
        await parts.accounts.logout(token)
    clear_cookies(response)


@router.get("/me")
async def me(who: ActingDep, parts: PartsDep) -> Me:
    """The signed-in account."""
    async with parts.db.acting(who) as tx:
        profile = await read_profile(tx, who.account_id)
    return Me(
        id=profile.account_id,
        role=who.role,
        name=profile.name,
        pronouns=profile.pronouns,
        region=profile.region,
        time_zone=profile.time_zone,
        language=profile.language,
    )
