"""The counselor's side: queue, cases, acts, live updates. The student's side is included from beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import AwareDatetime

from api.deps import ActingDep, PartsDep, StaffDep
from api.parts import Parts
from api.routes import care_examples, care_rota, care_student
from api.routes.care_bodies import (
    Close,
    Closed,
    ColleagueList,
    Disclosure,
    Done,
    EvidenceOut,
    FollowUp,
    Message,
    Note,
    Regrade,
    Shown,
    TakeOver,
    TranscriptOut,
    Transfer,
)
from conversations import live
from core.errors import NotAllowed
from core.ids import AccountId, CaseId
from db.access import Acting, Role
from tools.care import acts
from tools.care.bell import Bell
from tools.care.disclosure import record_disclosure
from tools.care.dossier import (
    DispatchSheet,
    Dossier,
    open_dispatch,
    open_dossier,
    open_evidence,
    open_transcript,
)
from tools.care.dossier.others import read_notices
from tools.care.facts import read_case
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


@staff.get("/cases/{case_id}")
async def case(case_id: UUID, who: StaffDep, parts: PartsDep) -> Dossier:
    """The case for the first sixty seconds. Opening it is a stored fact that the student is told and can look up."""
    async with parts.db.acting(who) as tx:
        return await open_dossier(tx, CaseId(case_id), at=parts.clock.now())


@staff.get("/cases/{case_id}/transcript")
async def transcript(case_id: UUID, who: StaffDep, parts: PartsDep) -> TranscriptOut:
    """The whole conversation; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        return TranscriptOut(items=list(await open_transcript(tx, CaseId(case_id), at=parts.clock.now())))


@staff.get("/cases/{case_id}/evidence")
async def evidence(case_id: UUID, who: StaffDep, parts: PartsDep) -> EvidenceOut:
    """Rules, scores and each notice; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        judged = await open_evidence(tx, CaseId(case_id), at=parts.clock.now())
        return EvidenceOut(items=list(judged), notices=list(await read_notices(tx, CaseId(case_id))))


@staff.get("/cases/{case_id}/dispatch")
async def dispatch(case_id: UUID, who: StaffDep, parts: PartsDep) -> DispatchSheet:
    """What a dispatcher asks, and no more; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        return await open_dispatch(tx, CaseId(case_id), at=parts.clock.now())


@staff.post("/cases/{case_id}/claim")
async def claim(case_id: UUID, who: StaffDep, parts: PartsDep) -> Done:
    """Take the case on; the second to try gets 409."""
    async with parts.db.acting(who) as tx:
        await acts.claim(tx, CaseId(case_id), at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/release")
async def release(case_id: UUID, who: StaffDep, parts: PartsDep) -> Done:
    """Give the case back; people are called anew."""
    async with parts.db.acting(who) as tx:
        await acts.release(tx, parts.jobs, CaseId(case_id), at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/typing", status_code=204)
async def typing(case_id: UUID, who: StaffDep, parts: PartsDep) -> None:
    """Say every few seconds that one is typing; the student sees it as long as it is true."""
    async with parts.db.acting(who) as tx:
        await acts.set_writing(tx, CaseId(case_id), at=parts.clock.now())


@staff.post("/cases/{case_id}/reply")
async def reply(case_id: UUID, body: Message, who: StaffDep, parts: PartsDep) -> Done:
    """Write to the student as a person; the companion is silent from then on."""
    async with parts.db.acting(who) as tx:
        await live.reply(tx, parts.jobs, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/hand-back")
async def hand_back(case_id: UUID, body: Message, who: StaffDep, parts: PartsDep) -> Done:
    """Hand the conversation back to the companion, with a message."""
    async with parts.db.acting(who) as tx:
        await live.give_back(tx, parts.jobs, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/notes", status_code=201)
async def note(case_id: UUID, body: Note, who: StaffDep, parts: PartsDep) -> Done:
    """Keep a note with the case."""
    async with parts.db.acting(who) as tx:
        await acts.add_note(tx, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/severity")
async def severity(case_id: UUID, body: Regrade, who: StaffDep, parts: PartsDep) -> Done:
    """Set the severity; it falls only here, with a reason."""
    async with parts.db.acting(who) as tx:
        await live.regrade(tx, CaseId(case_id), body.severity, body.reason, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/transfer")
async def transfer(case_id: UUID, body: Transfer, who: StaffDep, parts: PartsDep) -> Done:
    """Offer the case to a colleague; it stays until they claim it."""
    async with parts.db.acting(who) as tx:
        await acts.transfer(tx, parts.jobs, CaseId(case_id), AccountId(body.to), body.note, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/take-over")
async def take_over(case_id: UUID, body: TakeOver, who: StaffDep, parts: PartsDep) -> Done:
    """Take the case from a colleague who has gone, with a reason. For supervisors."""
    async with parts.db.acting(who) as tx:
        await acts.take_over(tx, CaseId(case_id), body.reason, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/follow-up")
async def follow_up(case_id: UUID, body: FollowUp, who: StaffDep, parts: PartsDep) -> Done:
    """Plan when a person looks again."""
    async with parts.db.acting(who) as tx:
        await acts.plan_follow_up(tx, CaseId(case_id), body.at, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/disclosures", status_code=201)
async def disclose(case_id: UUID, body: Disclosure, who: StaffDep, parts: PartsDep) -> Done:
    """Record whom a person decided to tell outside, and why; nothing is sent by this."""
    async with parts.db.acting(who) as tx:
        await record_disclosure(tx, CaseId(case_id), body.threat, body.told, at=parts.clock.now())
    return await _done(parts, who, case_id)


@staff.post("/cases/{case_id}/close")
async def close(case_id: UUID, body: Close, who: StaffDep, parts: PartsDep) -> Closed:
    """Close the case with an outcome; a deletion that waited for it happens now."""
    async with parts.db.acting(who) as tx:
        deleted = await live.close(tx, CaseId(case_id), body.outcome, body.note, at=parts.clock.now())
    done = await _done(parts, who, case_id)
    return Closed(**done.model_dump(), conversation_deleted=deleted)


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
    return StreamingResponse(
        _rings(_bell(request), who, life), headers={"x-accel-buffering": "no"}, media_type="text/event-stream"
    )


async def _done(parts: Parts, who: Acting, case_id: UUID) -> Done:
    async with parts.db.acting(who) as tx:
        facts = await read_case(tx, CaseId(case_id))
    return Done(id=facts.id, status=facts.status, severity=facts.severity, claimed_by=facts.claimed_by)


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


for part in (staff, care_examples.router, care_rota.router, care_student.router):
    router.include_router(part)
