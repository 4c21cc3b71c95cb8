"""The second step at sign-in: give a code, set one up, do without."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.deps import ActingDep, ClientDep, PartsDep
from api.routes.auth import limit
from api.tokens import Secret, Token, TokenPair, set_cookies, token_pair

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"])
Code = Annotated[str, Field(max_length=40, description="Six digits, or a recovery code")]


class CodeIn(BaseModel):
    """The ticket of a sign-in and a code; `browser` asks for cookies beside the tokens."""

    ticket: Token
    code: Code
    browser: bool = False


class Proof(BaseModel):
    """The password, and a code where there is a second step already."""

    password: Secret
    code: Code | None = None


class TicketIn(BaseModel):
    """A ticket from `auth/login` or `auth/totp/ticket`."""

    ticket: Token


class Ticket(BaseModel):
    """Allows to set up a second step for a quarter of an hour."""

    ticket: str


class EnrolmentOut(BaseModel):
    """What an authenticator app needs: the secret, or the address behind a QR code."""

    secret: str
    uri: str


class Confirmed(BaseModel):
    """The second step counts from now on. The recovery codes are shown this once; each works once."""

    recovery_codes: list[str]
    tokens: TokenPair


@router.post("/login/code")
async def login_code(body: CodeIn, response: Response, client: ClientDep, parts: PartsDep) -> TokenPair:
    """Finish a sign-in with a code of the authenticator app, or a recovery code."""
    await limit(parts, "login", client)
    who, tokens = await parts.accounts.second_step(body.ticket, body.code, client)
    if body.browser:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return token_pair(who, tokens)


@router.post("/totp/ticket")
async def totp_ticket(body: Proof, who: ActingDep, client: ClientDep, parts: PartsDep) -> Ticket:
    """Begin to set up a second step, or a new one, for the signed-in account."""
    await limit(parts, "login", client)
    return Ticket(ticket=await parts.enrolling.ticket(who, body.password, body.code, client))


@router.post("/totp/enrol")
async def totp_enrol(body: TicketIn, client: ClientDep, parts: PartsDep) -> EnrolmentOut:
    """Make a secret for an authenticator app; it counts once it is confirmed."""
    await limit(parts, "login", client)
    made = await parts.enrolling.begin(body.ticket, "account")
    return EnrolmentOut(secret=made.secret, uri=made.uri)


@router.post("/totp/confirm")
async def totp_confirm(body: CodeIn, response: Response, client: ClientDep, parts: PartsDep) -> Confirmed:
    """Confirm the second step with a code of it, and sign in."""
    await limit(parts, "login", client)
    who, codes, tokens = await parts.enrolling.confirm(body.ticket, body.code, client)
    if body.browser:
        set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return Confirmed(recovery_codes=list(codes), tokens=token_pair(who, tokens))


@router.post("/totp/disable", status_code=204)
async def totp_disable(body: Proof, who: ActingDep, client: ClientDep, parts: PartsDep) -> None:
    """Do without a second step; only where the role allows it."""
    await limit(parts, "login", client)
    await parts.enrolling.remove(who, body.password, body.code or "", client)
