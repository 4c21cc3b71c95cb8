"""The second step of signing in, as pages: a code, or setting it up the first time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from api.deps import ClientDep, PartsDep, same_origin
from api.parts import Parts
from api.routes.auth import limit
from api.web.rendering import go, render
from api.web.session import home_of, safe_next
from core.errors import CompanionError
from db.access import Acting
from tools.people.second_factor import SecondStep, Step
from tools.people.tokens import Tokens

router = APIRouter(include_in_schema=False, dependencies=[Depends(same_origin)])
Line = Annotated[str, Form(max_length=300)]
Draft = Annotated[str, Form(max_length=200_000)]


async def ask_step(request: Request, parts: Parts, missing: SecondStep, email: str, next_: str, draft: str) -> Response:
    """The page that asks for a code, or shows how to set the second step up."""
    if missing.step is Step.CODE:
        return render(request, "step_code.html", ticket=missing.ticket, next=next_, draft=draft, error="")
    made = await parts.enrolling.begin(missing.ticket, email.strip())
    return render(
        request, "step_set_up.html", ticket=missing.ticket, secret=made.secret, uri=made.uri, next=next_, error=""
    )


def signed_in_page(request: Request, who: Acting, tokens: Tokens, next_: str, draft: str) -> Response:
    """Lead somebody who has just signed in on; words that wait to be sent come first."""
    request.state.who, request.state.renewed = who, tokens
    to = safe_next(next_, home_of(who))
    if not draft:
        return go(request, to)
    problem = {
        "title": "You're signed in again",
        "detail": "Your message is still here, and not sent yet.",
        "crisis": None,
    }
    return render(request, "unsent.html", problem=problem, draft=draft, action=to, key="")


@router.post("/sign-in/code")
async def code(
    request: Request,
    client: ClientDep,
    parts: PartsDep,
    ticket: Line = "",
    code: Line = "",
    next: Line = "",
    draft: Draft = "",
) -> Response:
    """Finish the sign-in with a code."""
    try:
        await limit(parts, "login", client)
        who, tokens = await parts.accounts.second_step(ticket, code, client)
    except CompanionError as error:
        return render(
            request, "step_code.html", error.status, ticket=ticket, next=next, draft=draft, error=error.message
        )
    return signed_in_page(request, who, tokens, next, draft)


@router.post("/sign-in/set-up")
async def set_up(
    request: Request,
    client: ClientDep,
    parts: PartsDep,
    ticket: Line = "",
    secret: Line = "",
    uri: Line = "",
    code: Line = "",
    next: Line = "",
) -> Response:
    """Confirm the second step, and show the recovery codes once."""
    try:
        await limit(parts, "login", client)
        who, codes, tokens = await parts.enrolling.confirm(ticket, code, client)
    except CompanionError as error:
        shown = uri if uri.startswith("otpauth://totp/") else ""
        return render(
            request,
            "step_set_up.html",
            error.status,
            ticket=ticket,
            secret=secret,
            uri=shown,
            next=next,
            error=error.message,
        )
    request.state.who, request.state.renewed = who, tokens
    return render(request, "step_codes.html", codes=codes, to=safe_next(next, home_of(who)))
