"""The supervisor's pages: what governs alarms, and what they sign."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from api.deps import PartsDep, require_standing
from api.parts import Parts
from api.web.console.words import console_words
from api.web.rendering import go, render
from api.web.session import PageStaff
from core.errors import CompanionError, NotAllowed, NotFound
from db.access import Acting, Role
from tools.care.golive.signatures import Part, files_of, read_signatures, sign, version_of
from tools.care.report import Report, read_report
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False, prefix="/console")
SPANS = {"7": timedelta(days=7), "30": timedelta(days=30), "90": timedelta(days=90)}
PARTS_OF_DAY = ("night", "day", "evening")
Line = Annotated[str, Form(max_length=200)]


def page_supervisor(who: PageStaff) -> Acting:
    """The signed-in supervisor; raises `NotAllowed` for others."""
    if who.role is not Role.SUPERVISOR:
        raise NotAllowed("This is for supervisors.")
    return who


PageSupervisor = Annotated[Acting, Depends(page_supervisor)]


@router.get("/report")
async def report(
    request: Request, who: PageSupervisor, parts: PartsDep, days: Annotated[str, Query(max_length=3)] = "30"
) -> Response:
    """Response times, pages per shift, predictive value per rule, and the queue now."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        found = await read_report(tx, since=now - SPANS.get(days, SPANS["30"]), until=None, at=now)
        zone = (await read_profile(tx, who.account_id)).time_zone
    return render(
        request,
        "report.html",
        report=found,
        shifts=_by_day(found),
        parts_of_day=PARTS_OF_DAY,
        days=days if days in SPANS else "30",
        spans=list(SPANS),
        words=console_words(),
        zone=zone,
        now=now,
    )


@router.get("/protocol")
async def protocol(request: Request, who: PageSupervisor, parts: PartsDep) -> Response:
    """What is signed and what is not."""
    return await _protocol(request, who, parts)


@router.get("/protocol/{part}")
async def read_part(request: Request, part: str, who: PageSupervisor, parts: PartsDep) -> Response:
    """One part as it is in force, to read before it is signed; raises `NotFound`."""
    await require_standing(parts, who)
    if part not in list(Part):
        raise NotFound("There is no such part.")
    files = [(path.name, path.read_text(encoding="utf-8")) for path in files_of(Part(part))]
    return render(
        request, "protocol_part.html", part=part, files=files, version=version_of(Part(part)), words=console_words()
    )


@router.post("/protocol/{part}")
async def sign_part(
    request: Request, part: str, who: PageSupervisor, parts: PartsDep, version: Line = "", signed_as: Line = ""
) -> Response:
    """Sign a part as it was read."""
    if part not in list(Part):
        raise NotFound("There is no such part.")
    try:
        async with parts.db.acting(who) as tx:
            await sign(tx, Part(part), version, signed_as, at=parts.clock.now())
    except CompanionError as error:
        return await _protocol(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/console/protocol")


async def _protocol(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    async with parts.db.acting(who) as tx:
        signed = await read_signatures(tx)
        me = await read_profile(tx, who.account_id)
    return render(
        request,
        "protocol_signing.html",
        status,
        signed=signed,
        trouble=trouble,
        me=me,
        words=console_words(),
        zone=me.time_zone,
        now=parts.clock.now(),
    )


def _by_day(found: Report) -> dict[str, dict[str, int]]:
    """Date -> part of the day -> pages, newest day first; days without a page are left out."""
    by_day: dict[str, dict[str, int]] = defaultdict(dict)
    for shift in reversed(found.shifts):
        by_day[shift.date][shift.part] = shift.pages
    return dict(by_day)
