"""Accounts: register, sign in, refresh, sign out, and what happens over the mailbox."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from api.deps import REFRESH_COOKIE, ActingDep, ClientDep, PartsDep, same_origin
from api.parts import Parts
from api.tokens import Secret, Short, Token, TokenPair, clear_cookies, set_cookies, token_pair
from core.errors import NotAuthenticated, TooMany
from db.access import Role
from tools.people.accounts import AgeBand, NewAccount
from tools.people.attempts import Client
from tools.people.people import read_profile
from tools.people.second_factor import SecondStep, Step

router = APIRouter(prefix="/api/v1", tags=["accounts"])
MAILS_PER_ADDRESS = "5/hour"
RATES = {"login": "60/minute", "mail": "20/hour", "register": "20/hour"}


class Registration(BaseModel):
    """A new student account."""

    email: Short
    password: Secret
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
    password: Secret
    campus: Short | None = None
    browser: bool = False


class RefreshRequest(BaseModel):
    """The refresh token; a browser sends its cookie instead."""

    refresh_token: Token | None = None


class Address(BaseModel):
    """The address that a link is mailed to, if it has an account."""

    email: Short
    campus: Short | None = None


class NewPassword(BaseModel):
    """The token of a mailed link, and the password that is to count from now on."""

    token: Token
    password: Secret


class Mailed(BaseModel):
    """What comes next is in the mailbox. The answer is the same whether or not the address is known."""

    status: Literal["check_mail"] = "check_mail"
    detail: str


class Done(BaseModel):
    """It is done."""

    detail: str


class NextStep(BaseModel):
    """The password fits, and one more step is needed.

    `code`: `POST auth/login/code`. `set_up`: `POST auth/totp/enrol`, then `auth/totp/confirm`. Both take the ticket.
    """

    step: Step
    ticket: str


class Me(BaseModel):
    """The signed-in account."""

    id: UUID
    role: Role
    name: str
    pronouns: str | None
    region: str | None
    time_zone: str
    language: str


async def limit(parts: Parts, name: str, client: Client) -> None:
    """Count a request by its address; raises `TooMany`."""
    rate = RATES[name] if parts.settings.production else "600/minute"
    await parts.limiter.hit(name, client.address or "unknown", rate)


async def may_mail(parts: Parts, email: str) -> bool:
    """Whether this mailbox has not had too many letters; nobody is told, since that would say who is known."""
    try:
        await parts.limiter.hit("mail-to", parts.recovery.subject(email), MAILS_PER_ADDRESS)
    except TooMany:
        return False
    return True


@router.post("/auth/register", status_code=201, responses={202: {"model": Mailed}}, response_model=TokenPair | Mailed)
async def register(
    body: Registration, response: Response, client: ClientDep, parts: PartsDep, later: BackgroundTasks
) -> TokenPair | Mailed:
    """Create a student account. It opens by a mailed link (202), or at once where there is no mail server (201)."""
    await limit(parts, "register", client)
    account = NewAccount(
        body.email, body.password, body.name, body.age_band, body.region, body.time_zone, body.language, body.pronouns
    )
    if parts.recovery.confirms_addresses:
        checked = await parts.recovery.check(body.campus, account)
        if await may_mail(parts, body.email):
            later.add_task(parts.recovery.register, checked)
        response.status_code = 202
        return Mailed(detail="Open the link in the mail to confirm your address. Then sign in.")
    await parts.accounts.register(body.campus, account)
    return token_pair(*await parts.accounts.login(body.campus, body.email, body.password, client))


@router.post("/auth/login", responses={202: {"model": NextStep}}, response_model=TokenPair | NextStep)
async def login(body: Credentials, response: Response, client: ClientDep, parts: PartsDep) -> TokenPair | NextStep:
    """Sign in; where a second step is needed, the answer is 202 with a ticket for it."""
    await limit(parts, "login", client)
    try:
        who, tokens = await parts.accounts.login(body.campus, body.email, body.password, client)
    except SecondStep as missing:
        response.status_code = 202
        return NextStep(step=missing.step, ticket=missing.ticket)
    if body.browser:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return token_pair(who, tokens)


@router.post("/auth/refresh")
async def refresh(
    body: RefreshRequest, request: Request, response: Response, client: ClientDep, parts: PartsDep
) -> TokenPair:
    """Exchange a refresh token for new tokens; each may be used once."""
    from_cookie = request.cookies.get(REFRESH_COOKIE)
    if body.refresh_token is None and from_cookie:
        same_origin(request)
    token = body.refresh_token or from_cookie
    if not token:
        raise NotAuthenticated
    who, tokens = await parts.accounts.refresh(token, client)
    if body.refresh_token is None:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return token_pair(who, tokens)


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


@router.post("/auth/forgot-password", status_code=202)
async def forgot_password(body: Address, client: ClientDep, parts: PartsDep, later: BackgroundTasks) -> Mailed:
    """Mail a link for a new password to the address, if it has an account; the answer is always the same."""
    await limit(parts, "mail", client)
    if await may_mail(parts, body.email):
        later.add_task(parts.recovery.forgot, body.campus, body.email)
    return Mailed(detail="If this address has an account, a link is on its way. It works for 30 minutes.")


@router.post("/auth/reset-password")
async def reset_password(body: NewPassword, client: ClientDep, parts: PartsDep, later: BackgroundTasks) -> Done:
    """Set a new password by the token of a mailed link; every device is signed out."""
    await limit(parts, "login", client)
    later.add_task(parts.recovery.tell_changed, *await parts.recovery.reset(body.token, body.password))
    return Done(detail="Your password is changed. Sign in with it.")


@router.get("/auth/verify-email", responses={303: {"description": "A browser is led to the sign-in page"}})
async def verify_email(
    token: Annotated[str, Query(max_length=200)], request: Request, client: ClientDep, parts: PartsDep
) -> Done:
    """Confirm an address by the token of a mailed link."""
    await limit(parts, "login", client)
    browser = "text/html" in request.headers.get("accept", "")
    try:
        await parts.recovery.verify(token)
    except NotAuthenticated:
        if browser:
            return RedirectResponse("/sign-in?mail=ran-out", 303)  # type: ignore[return-value]  # answers as it is
        raise
    if browser:
        return RedirectResponse("/sign-in?mail=confirmed", 303)  # type: ignore[return-value]  # answers as it is
    return Done(detail="Your address is confirmed. Sign in with your password.")


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
