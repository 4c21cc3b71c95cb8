"""Mood and the safety plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from conversations.signals import low_mood_began, take_signal
from safety.policy import Signal
from tools.care.plan import SafetyPlan, read_plan, save_plan
from tools.people.keys import student_key
from tools.wellness.mood import LONGEST_NOTE, log_mood, mood_history, mood_trend

router = APIRouter(prefix="/api/v1", tags=["wellness"])
Line = Annotated[str, Field(min_length=1, max_length=300)]
Lines = Annotated[list[Line], Field(max_length=20)]


class MoodIn(BaseModel):
    """A mood from 1 (very low) to 10 (very good)."""

    score: Annotated[int, Field(ge=1, le=10)]
    emotions: list[str] = []
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] | None = None


class SignalIn(BaseModel):
    """Something that a questionnaire found and that must be asked about."""

    signal: Literal[Signal.PHQ9_ITEM9] = Field(description="Item 9 of a PHQ-9 above zero")


class SignalOut(BaseModel):
    """Where the script asks."""

    conversation_id: UUID


class MoodOut(BaseModel):
    """One stored mood."""

    id: UUID
    score: int
    emotions: list[str]
    note: str | None
    logged_at: datetime


class TrendOut(BaseModel):
    """Which way the mood goes."""

    n: int
    mean: float | None
    slope_per_week: float | None
    direction: Literal["up", "down", "steady", "not_enough"]


class MoodHistory(BaseModel):
    """Moods, newest first, with their trend."""

    items: list[MoodOut]
    trend: TrendOut


class PlanIn(BaseModel):
    """The six steps of a safety plan, in the student's own words."""

    warning_signs: Lines = []
    own_coping: Lines = []
    people_and_places: Lines = []
    people_to_ask: Lines = []
    professionals: Lines = []
    safer_surroundings: Lines = []


class PlanOut(PlanIn):
    """The stored plan."""

    updated_at: datetime | None


@router.post("/wellness/mood", status_code=201)
async def add_mood(body: MoodIn, who: StudentDep, parts: PartsDep) -> MoodOut:
    """Log a mood."""
    async with parts.db.acting(who) as tx:
        key = await student_key(tx)
        now = parts.clock.now()
        entry = await log_mood(tx, key, score=body.score, emotions=body.emotions, note=body.note, at=now)
        if await low_mood_began(tx, at=now):
            await take_signal(tx, parts.jobs, Signal.MOOD_LOW_SUSTAINED, at=now)
    return MoodOut.model_validate(entry, from_attributes=True)


@router.post("/wellness/signals", status_code=201)
async def add_signal(body: SignalIn, who: StudentDep, parts: PartsDep) -> SignalOut:
    """Tell what a questionnaire found. The script asks; it opens no case and calls nobody, the answers do."""
    async with parts.db.acting(who) as tx:
        conversation = await take_signal(tx, parts.jobs, body.signal, at=parts.clock.now())
    return SignalOut(conversation_id=conversation)


@router.get("/wellness/mood/history")
async def moods(who: StudentDep, parts: PartsDep, days: Annotated[int, Query(ge=1, le=366)] = 30) -> MoodHistory:
    """Moods of the last days, newest first, and their trend."""
    async with parts.db.acting(who) as tx:
        key = await student_key(tx)
        entries = await mood_history(tx, key, since=parts.clock.now() - timedelta(days=days), limit=500)
    return MoodHistory(
        items=[MoodOut.model_validate(entry, from_attributes=True) for entry in entries],
        trend=TrendOut.model_validate(mood_trend(entries), from_attributes=True),
    )


@router.get("/safety-plan")
async def plan(who: StudentDep, parts: PartsDep) -> PlanOut | None:
    """The student's safety plan; null when there is none."""
    async with parts.db.acting(who) as tx:
        found = await read_plan(tx, await student_key(tx))
    return PlanOut.model_validate(found, from_attributes=True) if found else None


@router.put("/safety-plan")
async def put_plan(body: PlanIn, who: StudentDep, parts: PartsDep) -> PlanOut:
    """Store the student's safety plan."""
    now = parts.clock.now()
    written = SafetyPlan.from_lines(body.model_dump(), updated_at=now)
    async with parts.db.acting(who) as tx:
        await save_plan(tx, await student_key(tx), written, at=now)
    return PlanOut.model_validate(written, from_attributes=True)
