"""The counselor's side: queue, report, live updates. Cases and the student's side are included from beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import AwareDatetime

from api.deps import ActingDep, PartsDep, StaffDep, require_standing
from api.routes import care_case, care_examples, care_rota, care_student
from api.routes.care_bodies import ColleagueList, Shown
from core.errors import NotAllowed
from core.ids import CaseId
from db.access import Acting, Role
from tools.care.bell import Bell
from tools.care.queue import Queue, colleagues, read_queue
from tools.care.report import Report, read_report
from tools.care.shown import mark_shown

staff = APIRouter(prefix="/api/v1/care", tags=["care"])
router = APIRouter()
HEARTBEAT_SECONDS = 15.0


@staff.get("/queue")
async def queue(who: StaffDep, parts: PartsDep) -> Queue:
    """Open cases: crisis first, then severity, then waiting. Reading it tells nobody; see `POST /queue/shown`."""
    async with parts.db.acting(who) as tx:
        return await read_queue(tx, at=parts.clock.now())


@staff.post("/queue/shown", status_code=204)
async def queue_shown(body: Shown, who: StaffDep, parts: PartsDep) -> None:
    """Say which cases stand on a screen that somebody looks at; of a person on duty, that counts as sent."""
    async with parts.db.acting(who) as tx:
        await mark_shown(tx, [CaseId(case) for case in body.cases], at=parts.clock.now())


@staff.get("/colleagues")
async def colleague_list(who: StaffDep, parts: PartsDep, confidential: bool = False) -> ColleagueList:
    """Whom a case can be offered to; a confidential one only to confidential staff."""
    async with parts.db.acting(who) as tx:
        return ColleagueList(items=await colleagues(tx, confidential=confidential))


@staff.get("/report")
async def report(
    who: ActingDep,
    parts: PartsDep,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> Report:
    """Alarms under control: pages per shift, response times, predictive value per rule. For supervisors."""
    if who.role is not Role.SUPERVISOR:
        raise NotAllowed("This is for supervisors.")
    async with parts.db.acting(who) as tx:
        return await read_report(tx, since=since, until=until, at=parts.clock.now())


@staff.get("/events")
async def events(who: StaffDep, parts: PartsDep, request: Request) -> StreamingResponse:
    """Server-sent events: `changed` whenever the queue of the institution may look different.

    A stream ends when its access token would; a client that connects again is asked who it is again.
    """
    life = timedelta(minutes=parts.settings.access_token_minutes)
    await require_standing(parts, who)
    return StreamingResponse(
        _rings(_bell(request), who, life), headers={"x-accel-buffering": "no"}, media_type="text/event-stream"
    )


def _bell(request: Request) -> Bell:
    """The process's bell; it is hung up when the first console opens."""
    state = request.app.state
    if not hasattr(state, "bell"):
        state.bell = Bell(state.parts.settings.app_dsn.get_secret_value())
        state.bell.open()
    bell: Bell = state.bell
    return bell


async def _rings(bell: Bell, who: Acting, life: timedelta) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + life.total_seconds()
    async with bell.console(who.institution_id) as changed:
        yield format_sse_event(event="changed", data_str="{}")
        while loop.time() < end:
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            changed.clear()
            yield format_sse_event(event="changed", data_str="{}")


for part in (staff, care_case.router, care_examples.router, care_rota.router, care_student.router):
    router.include_router(part)
