"""One case: its page for the first sixty seconds, and what a counselor does there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web import times
from api.web.console_file import glances, told_once
from api.web.console_view import button_words, console_words
from api.web.rendering import go, is_fragment, render, unchanged
from api.web.session import PageStaff
from conversations import live
from core.errors import CompanionError, InvalidInput
from core.ids import AccountId, CaseId
from db.access import Acting, Tx
from safety.types import Severity
from tools.care import acts
from tools.care.dossier import Quote, open_dossier, open_evidence, open_transcript
from tools.care.dossier.standing import Standing, newer_messages, read_standing
from tools.care.outcomes import Outcome
from tools.care.queue import colleagues
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False, prefix="/console/cases/{case_id}")
Words = Annotated[str, Form(max_length=8000)]
Line = Annotated[str, Form(max_length=100)]
Act = Callable[[Tx], Awaitable[object]]


@router.get("")
async def case(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """The case. Opening it is a stored fact that the student is told and can look up."""
    return await _case_page(request, case_id, who, parts)


@router.get("/live")
async def what_is_new(
    request: Request,
    case_id: UUID,
    who: PageStaff,
    parts: PartsDep,
    after: UUID | None = None,
    seen: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """What changed while the page is open: new messages, who has the case, the mode."""
    return await _news(request, case_id, who, parts, after, seen)


@router.post("/claim")
async def claim(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """Take the case on; the second to try is told who has it."""
    return await _act(request, case_id, who, parts, lambda tx: acts.claim(tx, CaseId(case_id), at=parts.clock.now()))


@router.post("/release")
async def release(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """Give the case back; people are called anew."""
    return await _act(
        request, case_id, who, parts, lambda tx: acts.release(tx, parts.jobs, CaseId(case_id), at=parts.clock.now())
    )


@router.post("/typing")
async def typing(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """The counselor is typing; the student sees it as long as it is true."""
    async with parts.db.acting(who) as tx:
        await acts.set_writing(tx, CaseId(case_id), at=parts.clock.now())
    return unchanged(request)


@router.post("/reply")
async def reply(
    request: Request,
    case_id: UUID,
    who: PageStaff,
    parts: PartsDep,
    text: Words = "",
    after: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Write to the student as a person; the software is silent from then on."""

    async def write(tx: Tx) -> None:
        await live.reply(tx, parts.jobs, CaseId(case_id), text, at=parts.clock.now())

    if not is_fragment(request):
        return await _act(request, case_id, who, parts, write, draft=text)
    async with parts.db.acting(who) as tx:
        await write(tx)
    return await _news(request, case_id, who, parts, after, "")


@router.post("/hand-back")
async def hand_back(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, text: Words = "") -> Response:
    """Hand the conversation back to the software, with a message."""
    return await _act(
        request,
        case_id,
        who,
        parts,
        lambda tx: live.give_back(tx, parts.jobs, CaseId(case_id), text, at=parts.clock.now()),
    )


@router.post("/note")
async def note(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, text: Words = "") -> Response:
    """Keep a note with the case."""
    return await _act(
        request, case_id, who, parts, lambda tx: acts.add_note(tx, CaseId(case_id), text, at=parts.clock.now())
    )


@router.post("/severity")
async def severity(
    request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, to: Line = "", reason: Words = ""
) -> Response:
    """Set the severity; it falls only here, with a reason."""

    async def regrade(tx: Tx) -> None:
        if to not in list(Severity):
            raise InvalidInput("Choose a severity.")
        await live.regrade(tx, CaseId(case_id), Severity(to), reason, at=parts.clock.now())

    return await _act(request, case_id, who, parts, regrade)


@router.post("/transfer")
async def transfer(
    request: Request,
    case_id: UUID,
    who: PageStaff,
    parts: PartsDep,
    to: Annotated[UUID | None, Form()] = None,
    text: Words = "",
) -> Response:
    """Offer the case to a colleague; it stays until they claim it."""

    async def offer(tx: Tx) -> None:
        if to is None:
            raise InvalidInput("Choose a colleague.")
        await acts.transfer(tx, parts.jobs, CaseId(case_id), AccountId(to), text, at=parts.clock.now())

    return await _act(request, case_id, who, parts, offer)


@router.post("/take-over")
async def take_over(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, text: Words = "") -> Response:
    """Take the case from a colleague who has gone. For supervisors."""
    return await _act(
        request, case_id, who, parts, lambda tx: acts.take_over(tx, CaseId(case_id), text, at=parts.clock.now())
    )


@router.post("/follow-up")
async def follow_up(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, due: Line = "") -> Response:
    """Plan when a person looks again, in the counselor's own zone."""

    async def plan(tx: Tx) -> None:
        zone = times.zone_of((await read_profile(tx, who.account_id)).time_zone)
        try:
            moment = datetime.fromisoformat(due).replace(tzinfo=zone)
        except ValueError as error:
            raise InvalidInput("Choose a day and an hour.") from error
        await acts.plan_follow_up(tx, CaseId(case_id), moment, at=parts.clock.now())

    return await _act(request, case_id, who, parts, plan)


@router.post("/close")
async def close(
    request: Request, case_id: UUID, who: PageStaff, parts: PartsDep, outcome: Line = "", text: Words = ""
) -> Response:
    """Close the case with an outcome."""

    async def finish(tx: Tx) -> None:
        if outcome not in list(Outcome):
            raise InvalidInput("Choose how it ended.")
        await live.close(tx, CaseId(case_id), Outcome(outcome), text, at=parts.clock.now())

    return await _act(request, case_id, who, parts, finish, then="/console")


@router.get("/transcript")
async def transcript(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """The whole conversation; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        quotes = await open_transcript(tx, CaseId(case_id), at=parts.clock.now())
        me = await read_profile(tx, who.account_id)
    return render(
        request,
        "transcript.html",
        quotes=quotes,
        buttons=button_words(),
        case_id=case_id,
        zone=me.time_zone,
        now=parts.clock.now(),
    )


@router.get("/evidence")
async def evidence(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """Rules and scores; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        judged = await open_evidence(tx, CaseId(case_id), at=parts.clock.now())
        me = await read_profile(tx, who.account_id)
    return render(
        request,
        "evidence.html",
        judged=judged,
        case_id=case_id,
        words=console_words(),
        zone=me.time_zone,
        now=parts.clock.now(),
    )


async def _act(
    request: Request, case_id: UUID, who: Acting, parts: Parts, act: Act, *, then: str = "", draft: str = ""
) -> Response:
    try:
        async with parts.db.acting(who) as tx:
            await act(tx)
    except CompanionError as error:
        return await _case_page(request, case_id, who, parts, trouble=error.message, draft=draft, status=error.status)
    return go(request, then or f"/console/cases/{case_id}")


async def _case_page(
    request: Request,
    case_id: UUID,
    who: Acting,
    parts: Parts,
    *,
    trouble: str = "",
    draft: str = "",
    status: int = 200,
) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        dossier = await open_dossier(tx, CaseId(case_id), at=now)
        stands = await read_standing(tx, CaseId(case_id))
        last = dossier.quotes[-1].id if dossier.quotes else None
        quotes = (*dossier.quotes, *await newer_messages(tx, CaseId(case_id), last, at=now))
        me = await read_profile(tx, who.account_id)
        others = await colleagues(tx, confidential=stands.case.confidential)
    return render(
        request,
        "case.html",
        status,
        dossier=dossier,
        glances=glances(dossier.answers),
        told=told_once(dossier.told),
        colleagues=others,
        severities=list(Severity)[1:],
        trouble=trouble,
        draft=draft,
        **_shared(stands, quotes, me.time_zone, now),
    )


async def _news(request: Request, case_id: UUID, who: Acting, parts: Parts, after: UUID | None, seen: str) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        stands = await read_standing(tx, CaseId(case_id))
        # Once it is closed, the words are the student's alone again; the page that is still open says so.
        fresh = [] if stands.case.closed else await newer_messages(tx, CaseId(case_id), after, at=now)
        me = await read_profile(tx, who.account_id)
        others = await colleagues(tx, confidential=stands.case.confidential)
    if not fresh and stands.seen == seen:
        return unchanged(request)
    context = _shared(stands, fresh, me.time_zone, now)
    context["last"] = fresh[-1].id if fresh else after
    return render(
        request,
        "parts/case_news.html",
        changed=stands.seen != seen,
        colleagues=others,
        severities=list(Severity)[1:],
        **context,
    )


def _shared(stands: Standing, quotes: tuple[Quote, ...] | list[Quote], zone: str, now: datetime) -> dict[str, Any]:
    return {
        "stands": stands,
        "case": stands.case,
        "quotes": quotes,
        "last": quotes[-1].id if quotes else None,
        "words": console_words(),
        "buttons": button_words(),
        "zone": zone,
        "now": now,
    }
