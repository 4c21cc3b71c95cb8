"""A new password over the mailbox, as pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Query, Request, Response

from api.deps import ClientDep, PartsDep, same_origin
from api.routes.auth import limit, may_mail
from api.web.rendering import go, render
from core.errors import CompanionError

router = APIRouter(include_in_schema=False, dependencies=[Depends(same_origin)])
Line = Annotated[str, Form(max_length=254)]
Secret = Annotated[str, Form(max_length=256)]


@router.get("/forgot-password")
async def forgot_form(request: Request) -> Response:
    """The form that asks for an address."""
    return render(request, "forgot.html", error="", email="")


@router.post("/forgot-password")
async def forgot(
    request: Request, client: ClientDep, parts: PartsDep, later: BackgroundTasks, email: Line = ""
) -> Response:
    """Mail a link, if the address has an account; the page is the same if not."""
    try:
        await limit(parts, "mail", client)
        if await may_mail(parts, email):
            later.add_task(parts.recovery.forgot, None, email)
    except CompanionError as error:
        return render(request, "forgot.html", error.status, error=error.message, email=email)
    return render(request, "check_mail.html", 202, what="choose a new password")


@router.get("/reset-password")
async def reset_form(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The form for a new password; the link is not used up by opening it."""
    return render(request, "reset.html", token=token, error="")


@router.post("/reset-password")
async def reset(
    request: Request,
    client: ClientDep,
    parts: PartsDep,
    later: BackgroundTasks,
    token: Line = "",
    password: Secret = "",
) -> Response:
    """Set the new password and lead to the sign-in."""
    try:
        await limit(parts, "login", client)
        who, address = await parts.recovery.reset(token, password)
    except CompanionError as error:
        return render(request, "reset.html", error.status, token=token, error=error.message)
    later.add_task(parts.recovery.tell_changed, who, address)
    return go(request, "/sign-in?mail=changed")
