"""One case: its page for the first sixty seconds, what is new on it, and the looks that are a click away."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.web.console.on_case import OnCaseDep
from api.web.console.words import button_words
from api.web.forms import choices
from api.web.rendering import render
from tools.care.dossier import open_dispatch, open_evidence, open_transcript
from tools.care.dossier.others import read_notices
from tools.care.facts import read_case
from tools.people.consent import ConsentKind, has_consented

router = APIRouter(include_in_schema=False, prefix="/console/cases/{case_id}")


@router.get("")
async def case(on: OnCaseDep, opener: bool = False) -> Response:
    """The case. Opening it is a stored fact that the student is told and can look up."""
    return await on.page(opener=opener)


@router.get("/live")
async def what_is_new(
    on: OnCaseDep, after: UUID | None = None, seen: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """What changed while the page is open: new messages, who has the case, whether the student is there."""
    return await on.news(after, seen)


@router.get("/transcript")
async def transcript(on: OnCaseDep) -> Response:
    """The whole conversation; a look of its own in the student's list."""
    async with on.parts.db.acting(on.who) as tx:
        quotes = await open_transcript(tx, on.case, at=on.now)
        facts = await read_case(tx, on.case)
        mine = facts.claimed_by == on.who.account_id
        reports = mine and await has_consented(tx, facts.student_id, ConsentKind.EXAMPLES)
        shown = await on.shown(tx)
    return render(
        on.request, "transcript.html", quotes=quotes, gaps=(), buttons=button_words(), reports=reports, **shown
    )


@router.get("/evidence")
async def evidence(on: OnCaseDep) -> Response:
    """Rules, scores and every notice; a look of its own in the student's list."""
    async with on.parts.db.acting(on.who) as tx:
        judged = await open_evidence(tx, on.case, at=on.now)
        notices = await read_notices(tx, on.case)
        shown = await on.shown(tx)
    return render(on.request, "evidence.html", judged=judged, notices=notices, **shown)


@router.get("/dispatch")
async def dispatch(on: OnCaseDep) -> Response:
    """What a dispatcher asks, on one sheet; a look of its own in the student's list."""
    async with on.parts.db.acting(on.who) as tx:
        sheet = await open_dispatch(tx, on.case, at=on.now)
        shown = await on.shown(tx)
    return render(on.request, "dispatch.html", sheet=sheet, regions=choices().regions, **shown)
