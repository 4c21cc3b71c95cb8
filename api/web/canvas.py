"""The student's page about Canvas: what is asked first, connecting, how it stands, taking it back. No script needed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import PartsDep
from api.parts import Parts
from api.routes.canvas import canvas_of
from api.web.rendering import go, render
from api.web.session import PageStudent, VisitorDep, sign_in_address
from core.errors import CompanionError
from db.access import Acting, Role
from tools.academic.canvas import service
from tools.academic.canvas.config import CALLBACK
from tools.academic.canvas.times import zone_of_student
from tools.people.consent import ConsentKind, consent_texts, give_consent, read_consent, withdraw_consent

router = APIRouter(include_in_schema=False)
Line = Annotated[str, Form(max_length=200)]


@router.get("/canvas")
async def page(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Whether Canvas is connected, and what can be done about it."""
    return await _page(request, who, parts)


@router.post("/canvas/consent")
async def agree(request: Request, who: PageStudent, parts: PartsDep, answer: Line = "", version: Line = "") -> Response:
    """Agree to what is asked before connecting, or take it back before anything was connected."""
    now = parts.clock.now()
    try:
        async with parts.db.acting(who) as tx:
            if answer == "yes":
                await give_consent(tx, ConsentKind.CANVAS, version, at=now)
            else:
                await withdraw_consent(tx, ConsentKind.CANVAS, at=now)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/canvas")


@router.get("/canvas/connect")
async def connect(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """On to Canvas. A link and no form: the page's policy lets forms lead nowhere else."""
    try:
        await parts.limiter.hit("canvas_sign_in", str(who.account_id), "20/hour")
        address = await service.begin_sign_in(canvas_of(parts), who)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return RedirectResponse(address, 303)


@router.get(CALLBACK)
async def back_from_canvas(
    request: Request,
    who: VisitorDep,
    parts: PartsDep,
    state: str = "",
    code: str | None = None,
    error: str | None = None,
) -> Response:
    """Finish the sign-in of the student who is signed in here; everything that can go wrong has words on the page."""
    if who is None:
        return go(request, sign_in_address("/canvas"))
    if who.role is not Role.STUDENT:
        return render(request, "canvas_foreign.html", 403)
    try:
        await parts.limiter.hit("canvas_sign_in", str(who.account_id), "20/hour")
        await service.finish_sign_in(canvas_of(parts), parts.jobs, who, state=state, code=code, error=error)
    except CompanionError as failure:
        return await _page(request, who, parts, trouble=failure.message, status=failure.status)
    return go(request, "/canvas")


@router.post("/canvas/sync")
async def sync_now(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Have Canvas looked at now."""
    try:
        await parts.limiter.hit("canvas_sync", str(who.account_id), "30/hour")
        await service.ask_for_sync(canvas_of(parts), parts.jobs, who)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return await _page(request, who, parts, said="Asked. It takes a minute at most; look again then.")


@router.post("/canvas/disconnect")
async def disconnect(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Give the permission back and delete what was read."""
    try:
        said = await service.disconnect(canvas_of(parts), who)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return await _page(request, who, parts, said=said)


async def _page(
    request: Request, who: Acting, parts: Parts, *, said: str = "", trouble: str = "", status: int = 200
) -> Response:
    stands = await service.read_status(parts.canvas, parts.db, who)
    async with parts.db.acting(who) as tx:
        standing, zone = await read_consent(tx, ConsentKind.CANVAS), await zone_of_student(tx, None)
    return render(
        request,
        "canvas.html",
        status,
        stands=stands,
        standing=standing,
        asked=consent_texts()[ConsentKind.CANVAS],
        said=said,
        trouble=trouble,
        zone=zone.key,
        now=parts.clock.now(),
    )
