"""The student's own place: plan, crisis terms, the rehearsal, what they agreed to. Forms that work without a script."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.routes.care_student import MOST_STEPS, REHEARSALS, TermsIn
from api.web.rendering import go, render
from api.web.session import PageStudent
from conversations.text import clean_message
from core.errors import CompanionError
from db.access import Acting
from safety.triage.words import words_for
from tools.care.plan import read_plan
from tools.care.rehearsal import Rehearsed, facts_for_rehearsal, rehearse_walk
from tools.care.terms import FIELDS, MyTerms, read_terms, save_terms
from tools.people.consent import ConsentKind, consent_texts, give_consent, read_consent, withdraw_consent
from tools.people.follow_up import FollowUp, FollowUpBy, choose_follow_up, read_follow_up
from tools.people.keys import student_key
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False)
Line = Annotated[str, Form(max_length=2000)]
LONGEST_TERM = 600
LONGEST_REHEARSAL = 8000


@router.get("/yours")
async def yours(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """What is the student's own, and what they agreed to."""
    return await _yours(request, who, parts)


@router.post("/yours/examples")
async def agree(request: Request, who: PageStudent, parts: PartsDep, answer: Line = "", version: Line = "") -> Response:
    """Agree to the examples, or take it back."""
    now = parts.clock.now()
    try:
        async with parts.db.acting(who) as tx:
            if answer == "yes":
                await give_consent(tx, ConsentKind.EXAMPLES, version, at=now)
            else:
                await withdraw_consent(tx, ConsentKind.EXAMPLES, at=now)
    except CompanionError as error:
        return await _yours(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/yours#examples")


@router.post("/yours/follow-up")
async def choose(
    request: Request, who: PageStudent, parts: PartsDep, by: FollowUpBy = Form(), caring: Line = ""
) -> Response:
    """Choose where to hear that something waits, and whether notes may come."""
    async with parts.db.acting(who) as tx:
        await choose_follow_up(tx, FollowUp(by, caring == "yes"))
    return go(request, "/yours#follow-up")


@router.get("/crisis-terms")
async def terms(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """The student's crisis terms, to read and to write."""
    async with parts.db.acting(who) as tx:
        found = await read_terms(tx, await student_key(tx))
        zone = (await read_profile(tx, who.account_id)).time_zone
    return render(request, "terms.html", terms=found or MyTerms(), saved=False, zone=zone, now=parts.clock.now())


@router.post("/crisis-terms")
async def write_terms(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Store them, replacing the earlier ones; what is too long is cut where the form would have stopped it."""
    form = await request.form()
    now = parts.clock.now()
    written = {name: str(form.get(name) or "").strip()[:LONGEST_TERM] for name in FIELDS}
    new = MyTerms(**TermsIn(**written).model_dump(), updated_at=now)
    async with parts.db.acting(who) as tx:
        await save_terms(tx, await student_key(tx), new, at=now)
        zone = (await read_profile(tx, who.account_id)).time_zone
    return render(request, "terms.html", terms=new, saved=True, zone=zone, now=now)


@router.get("/rehearsal")
async def rehearsal(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """'What happens if I say …?', before anything was tried."""
    return await _rehearsal(request, who, parts, ())


@router.post("/rehearsal")
async def rehearse(
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    said: Annotated[list[str] | None, Form()] = None,
    text: Annotated[str, Form(max_length=LONGEST_REHEARSAL)] = "",
) -> Response:
    """Walk one message further. What was tried comes along in the page; nothing is stored or sent."""
    words = [*(said or []), text][:MOST_STEPS]
    try:
        await parts.limiter.hit("rehearsal", str(who.account_id), REHEARSALS)
        cleaned = [clean_message(entry, max_bytes=LONGEST_REHEARSAL * 4) for entry in words]
    except CompanionError as error:
        return await _rehearsal(request, who, parts, said or (), trouble=error.message, status=error.status)
    return await _rehearsal(request, who, parts, cleaned)


async def _rehearsal(
    request: Request,
    who: Acting,
    parts: Parts,
    said: list[str] | tuple[str, ...],
    *,
    trouble: str = "",
    status: int = 200,
) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        facts = await facts_for_rehearsal(tx, at=now)
    walk: tuple[Rehearsed, ...] = await rehearse_walk(parts.screener, said, facts, at=now) if said else ()
    words = words_for(facts.language)
    told = {turn.told: words.text(f"rehearsal.{turn.told.value}") for turn in walk if turn.told}
    return render(
        request,
        "rehearsal.html",
        status,
        walk=walk,
        said=said,
        told=told,
        ordinary=words.text("rehearsal.ordinary"),
        question=words.text("rehearsal.question"),
        full=len(said) >= MOST_STEPS,
        trouble=trouble,
    )


async def _yours(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    async with parts.db.acting(who) as tx:
        key = await student_key(tx)
        terms_, plan = await read_terms(tx, key), await read_plan(tx, key)
        standing = await read_consent(tx, ConsentKind.EXAMPLES)
        follow_up = await read_follow_up(tx)
        zone = (await read_profile(tx, who.account_id)).time_zone
    return render(
        request,
        "yours.html",
        status,
        terms=terms_,
        plan=plan,
        standing=standing,
        follow_up=follow_up,
        asked=consent_texts()[ConsentKind.EXAMPLES],
        trouble=trouble,
        zone=zone,
        now=parts.clock.now(),
    )
