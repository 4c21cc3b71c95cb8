"""The student's side of care: who opened what, my crisis terms, the rehearsal."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from conversations.crisis_events import resource_payload
from conversations.history import require_conversation
from conversations.text import clean_message
from core.ids import ConversationId
from safety.policy import Tier
from tools.care.access import Access, accesses
from tools.care.rehearsal import facts_for_rehearsal, rehearse_message, rehearse_walk
from tools.care.terms import MyTerms, read_terms, save_terms
from tools.people.follow_up import FollowUp, FollowUpBy, choose_follow_up, read_follow_up
from tools.people.keys import student_key

router = APIRouter(prefix="/api/v1", tags=["care"])
Line = Annotated[str, Field(max_length=600)]
MOST_STEPS = 24
REHEARSALS = "60/minute"


class AccessList(BaseModel):
    """Who opened what, newest first."""

    items: list[Access]


class TermsIn(BaseModel):
    """My crisis terms, in the student's own words; everything may be left empty."""

    call_first: Line = ""
    never_call: Line = ""
    helps: Line = ""
    makes_worse: Line = ""
    hospital_and_police: Line = ""
    tell_people: Line = ""
    call_back_number: Line = ""
    clinician: Line = ""
    gone_through_with: Line = ""


class RehearsalIn(BaseModel):
    """Words to try, and the answers to what would be asked then."""

    text: Annotated[str, Field(min_length=1, max_length=8000)]
    then: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(max_length=MOST_STEPS)] = []


class RehearsedOut(BaseModel):
    """One message of a rehearsal."""

    said: str
    messages: list[str]
    choices: list[dict[str, str]] = Field(description="Answers that could be given next: value and label")
    told: Tier | None = Field(description="Who would newly be told by it")


class RehearsalOut(BaseModel):
    """What would be said, and who would be told. Nothing has been."""

    explained: list[str]
    messages: list[str]
    lines: list[dict[str, Any]]
    told: list[str] = Field(description="Roles that would see the conversation")
    channels: list[str]
    within_minutes: float | None = Field(description="Until when a person must have acknowledged it")
    walk: list[RehearsedOut] = Field(description="Each message and what would follow it, the first included")


@router.get("/conversations/{conversation_id}/access")
async def access(conversation_id: UUID, who: StudentDep, parts: PartsDep) -> AccessList:
    """Who opened this conversation, and what they looked at."""
    async with parts.db.acting(who) as tx:
        await require_conversation(tx, ConversationId(conversation_id))
        return AccessList(items=await accesses(tx, ConversationId(conversation_id)))


@router.get("/access")
async def every_access(who: StudentDep, parts: PartsDep) -> AccessList:
    """Who opened any conversation of the student's, those that are deleted included."""
    async with parts.db.acting(who) as tx:
        return AccessList(items=await accesses(tx))


@router.get("/crisis-terms")
async def terms(who: StudentDep, parts: PartsDep) -> MyTerms | None:
    """The student's crisis terms; null when there are none."""
    async with parts.db.acting(who) as tx:
        return await read_terms(tx, await student_key(tx))


@router.put("/crisis-terms")
async def put_terms(body: TermsIn, who: StudentDep, parts: PartsDep) -> MyTerms:
    """Store the student's crisis terms."""
    now = parts.clock.now()
    written = MyTerms(**body.model_dump(), updated_at=now)
    async with parts.db.acting(who) as tx:
        await save_terms(tx, await student_key(tx), written, at=now)
    return written


@router.post("/rehearsal")
async def rehearsal(body: RehearsalIn, who: StudentDep, parts: PartsDep) -> RehearsalOut:
    """'What happens if I say …?' The real policy is walked through; nothing is stored and nobody is told."""
    now = parts.clock.now()
    await parts.limiter.hit("rehearsal", str(who.account_id), REHEARSALS)
    text, *then = (
        clean_message(words, max_bytes=parts.settings.message_max_bytes) for words in (body.text, *body.then)
    )
    async with parts.db.acting(who) as tx:
        facts = await facts_for_rehearsal(tx, at=now)
    found = await rehearse_message(parts.screener, text, facts, at=now)
    walk = await rehearse_walk(parts.screener, [text, *then], facts, at=now)
    plan = found.plan
    return RehearsalOut(
        explained=list(found.explained),
        messages=list(found.reply.messages),
        lines=[resource_payload(resource) for resource in found.reply.resources],
        told=list(plan.told) if plan else [],
        channels=list(plan.channels) if plan else [],
        within_minutes=plan.ack_within.total_seconds() / 60 if plan and plan.ack_within else None,
        walk=[
            RehearsedOut(
                said=turn.said,
                messages=list(turn.step.messages),
                choices=[
                    {"value": choice.value, "label": choice.label} for choice in turn.step.choices if not choice.href
                ],
                told=turn.told,
            )
            for turn in walk
        ],
    )


class FollowUpChoice(BaseModel):
    """Where the student hears that something waits, and whether a counselor may send short notes after a case."""

    by: FollowUpBy
    caring: bool


@router.get("/me/follow-up")
async def follow_up(who: StudentDep, parts: PartsDep) -> FollowUpChoice:
    """What the student chose; nothing leaves the page unless they say so."""
    async with parts.db.acting(who) as tx:
        chosen = await read_follow_up(tx)
    return FollowUpChoice(by=chosen.by, caring=chosen.caring)


@router.put("/me/follow-up")
async def choose(body: FollowUpChoice, who: StudentDep, parts: PartsDep) -> FollowUpChoice:
    """Choose anew; it counts for what is planned already, too."""
    async with parts.db.acting(who) as tx:
        await choose_follow_up(tx, FollowUp(body.by, body.caring))
    return body
