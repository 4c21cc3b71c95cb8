"""The safety plan, and what a questionnaire found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from conversations.signals import take_signal
from safety.policy import Signal
from tools.care.plan import SafetyPlan, read_plan, save_plan
from tools.people.keys import student_key

router = APIRouter(prefix="/api/v1", tags=["wellness"])
Line = Annotated[str, Field(min_length=1, max_length=300)]
Lines = Annotated[list[Line], Field(max_length=20)]


class SignalIn(BaseModel):
    """Something that a questionnaire found and that must be asked about."""

    signal: Literal[Signal.PHQ9_ITEM9] = Field(description="Item 9 of a PHQ-9 above zero")


class SignalOut(BaseModel):
    """Where the script asks."""

    conversation_id: UUID


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


@router.post("/wellness/signals", status_code=201)
async def add_signal(body: SignalIn, who: StudentDep, parts: PartsDep) -> SignalOut:
    """Tell what a questionnaire found. The script asks; it opens no case and calls nobody, the answers do."""
    async with parts.db.acting(who) as tx:
        conversation = await take_signal(tx, parts.jobs, body.signal, at=parts.clock.now())
    return SignalOut(conversation_id=conversation)


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
