"""Register, sign in, sign out: forms that work without a script."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Query, Request, Response

from api.deps import REFRESH_COOKIE, ClientDep, PartsDep, same_origin
from api.routes.auth import limit, may_mail
from api.tokens import clear_cookies, set_cookies
from api.web.forms import choices
from api.web.rendering import go, render
from api.web.session import VisitorDep, home_of, renewals, safe_next
from api.web.steps import ask_step, signed_in_page
from core.errors import CompanionError, NotAuthenticated
from tools.people.accounts import AgeBand, NewAccount
from tools.people.second_factor import SecondStep

router = APIRouter(include_in_schema=False, dependencies=[Depends(same_origin)])
Line = Annotated[str, Form(max_length=254)]
Secret = Annotated[str, Form(max_length=256)]
Draft = Annotated[str, Form(max_length=200_000)]


MAIL_NEWS = {
    "confirmed": "Your address is confirmed. Sign in with your password.",
    "ran-out": "That link has run out. Create the account again to get a new one.",
    "changed": "Your password is changed. Sign in with it.",
}


@router.get("/sign-in")
async def sign_in_form(
    request: Request, who: VisitorDep, next: Annotated[str, Query(max_length=300)] = "", mail: str = ""
) -> Response:
    """The sign-in form; somebody who is signed in goes on."""
    if who is not None:
        return go(request, safe_next(next, home_of(who)))
    news = MAIL_NEWS.get(mail, "")
    return render(request, "sign_in.html", next=next, email="", error="", draft="", news=news)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    client: ClientDep,
    parts: PartsDep,
    email: Line = "",
    password: Secret = "",
    next: Line = "",
    draft: Draft = "",
) -> Response:
    """Sign in; words that were typed before the session ended come along."""
    try:
        await limit(parts, "login", client)
        who, tokens = await parts.accounts.login(None, email, password, client)
    except SecondStep as missing:
        return await ask_step(request, parts, missing, email, next, draft)
    except CompanionError as error:
        return render(
            request, "sign_in.html", error.status, next=next, email=email, error=error.message, draft=draft, news=""
        )
    return signed_in_page(request, who, tokens, next, draft)


@router.get("/register")
async def register_form(request: Request, who: VisitorDep) -> Response:
    """The form for a new student account."""
    if who is not None:
        return go(request, home_of(who))
    return render(request, "register.html", choices=choices(), given={}, error="")


@router.post("/register")
async def register(
    request: Request,
    client: ClientDep,
    parts: PartsDep,
    later: BackgroundTasks,
    email: Line = "",
    password: Secret = "",
    name: Annotated[str, Form(max_length=80)] = "",
    pronouns: Annotated[str, Form(max_length=40)] = "",
    age_band: Line = "",
    region: Annotated[str, Form(pattern=r"^([A-Z]{2})?$")] = "",
    time_zone: Line = "",
) -> Response:
    """Create a student account; it opens by a mailed link, or at once where there is no mail server."""
    bands: tuple[AgeBand, ...] = get_args(AgeBand)
    band = next((known for known in bands if known == age_band), None)
    account = NewAccount(
        email, password, name, band, region or None, time_zone or "UTC", pronouns=pronouns.strip() or None
    )
    try:
        await limit(parts, "register", client)
        if parts.recovery.confirms_addresses:
            checked = await parts.recovery.check(None, account)
            if await may_mail(parts, email):
                later.add_task(parts.recovery.register, checked)
            return render(request, "check_mail.html", 202, what="confirm your address")
        await parts.accounts.register(None, account)
        request.state.who, request.state.renewed = await parts.accounts.login(None, email, password, client)
    except CompanionError as error:
        given = {
            "email": email,
            "name": name,
            "pronouns": pronouns,
            "age_band": age_band,
            "region": region,
            "time_zone": time_zone,
        }
        return render(request, "register.html", error.status, choices=choices(), given=given, error=error.message)
    return go(request, "/chat/new")


@router.post("/sign-out")
async def sign_out(request: Request, parts: PartsDep) -> Response:
    """Revoke the session and forget it in this browser."""
    token = request.cookies.get(REFRESH_COOKIE)
    if token:
        await parts.accounts.logout(token)
    response = go(request, "/")
    clear_cookies(response)
    return response


@router.post("/session/renew")
async def renew(request: Request, client: ClientDep, parts: PartsDep) -> Response:
    """Renew the cookies for the chat's own requests; raises `NotAuthenticated`."""
    token = request.cookies.get(REFRESH_COOKIE)
    if not token:
        raise NotAuthenticated
    _, tokens = await renewals(request).renew(parts.accounts, token, client)
    response = Response(status_code=204)
    set_cookies(response, tokens, secure=parts.settings.public_url.startswith("https"))
    return response
