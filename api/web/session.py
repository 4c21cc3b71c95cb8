"""Who is looking at a page, by the browser's cookies, renewed where they ran out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from api.deps import ACCESS_COOKIE, REFRESH_COOKIE, PartsDep, acting_staff, acting_student, client_of, same_origin
from core.errors import NotAuthenticated
from db.access import Acting, Role
from tools.people.accounts import Accounts
from tools.people.attempts import Client
from tools.people.tokens import Tokens

SHARED_SECONDS = 20.0
Renewed = tuple[Acting, Tokens]


class Renewals:
    """Lets requests that carry the same spent cookie share one renewal.

    A refresh token used twice signs the whole family out, which is right for a thief and wrong for a page whose polls
    and tabs ask at the same moment.
    """

    def __init__(self) -> None:
        self._recent: dict[bytes, tuple[float, asyncio.Task[Renewed]]] = {}

    async def renew(self, accounts: Accounts, token: str, client: Client) -> Renewed:
        """Exchange the token, or return what it was exchanged for a moment ago; raises `NotAuthenticated`."""
        now = time.monotonic()
        self._recent = {key: entry for key, entry in self._recent.items() if now - entry[0] < SHARED_SECONDS}
        key = hashlib.sha256(token.encode()).digest()
        if key not in self._recent:
            self._recent[key] = (now, asyncio.create_task(accounts.refresh(token, client)))
        return await asyncio.shield(self._recent[key][1])


def renewals(request: Request) -> Renewals:
    """The renewals of this process."""
    state = request.app.state
    if not hasattr(state, "renewals"):
        state.renewals = Renewals()
    found: Renewals = state.renewals
    return found


async def visitor(request: Request, parts: PartsDep) -> Acting | None:
    """Who is signed in, or None; raises `NotAllowed` for a request that another site made."""
    same_origin(request)
    access, refresh = request.cookies.get(ACCESS_COOKIE), request.cookies.get(REFRESH_COOKIE)
    if access:
        try:
            request.state.who = parts.accounts.access.read(access)
        except NotAuthenticated:
            access = None
    if not access and refresh:
        try:
            request.state.who, request.state.renewed = await renewals(request).renew(
                parts.accounts, refresh, client_of(request)
            )
        except NotAuthenticated:
            return None
    found: Acting | None = getattr(request.state, "who", None)
    return found


VisitorDep = Annotated[Acting | None, Depends(visitor)]


def page_account(who: VisitorDep) -> Acting:
    """The signed-in account; raises `NotAuthenticated`, which a browser meets as the sign-in page."""
    if who is None:
        raise NotAuthenticated
    return who


AccountDep = Annotated[Acting, Depends(page_account)]


def page_student(who: AccountDep) -> Acting:
    """The signed-in student; raises `NotAllowed` for others."""
    return acting_student(who)


def page_staff(who: AccountDep) -> Acting:
    """The signed-in counselor or supervisor; raises `NotAllowed` for others."""
    return acting_staff(who)


PageStudent = Annotated[Acting, Depends(page_student)]
PageStaff = Annotated[Acting, Depends(page_staff)]


def home_of(who: Acting) -> str:
    """Where an account lands after signing in."""
    if who.role.is_staff:
        return "/console"
    return "/chat" if who.role is Role.STUDENT else "/operator"


def sign_in_address(back_to: str) -> str:
    """The sign-in page that leads back."""
    return f"/sign-in?next={quote(back_to)}"


def safe_next(address: str | None, default: str) -> str:
    """A path on this site to go on to; anything else would let a link lead people away after they sign in."""
    if address and address.startswith("/") and not address.startswith(("//", "/\\", "/api/")):
        return address
    return default
