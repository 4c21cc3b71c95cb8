"""How the companion is to be with the student, and the reminders they asked for."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from tools.events.reminders import end_reminder, list_reminders, set_reminder
from tools.people.companion import CompanionSettings, choices, read_settings, save_settings
from tools.people.keys import student_key
from tools.people.people import read_profile, set_language

router = APIRouter(prefix="/api/v1", tags=["companion"])
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class ChosenIn(BaseModel):
    """The student's choices."""

    approaches: list[str] = Field(description="What it may offer; general pages are always there")
    tone: str
    length: str
    quiet_from: time = Field(description="Nothing is sent from this hour, in the student's own time")
    quiet_to: time
    language: str = Field(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")


class ChosenOut(ChosenIn):
    """The choices, and what there is to choose from."""

    offered: dict[str, Any]


class ReminderIn(BaseModel):
    """When to be reminded, in the student's own time."""

    every_days: Annotated[int, Field(ge=1, le=31)] = 1
    hour: Annotated[int, Field(ge=0, le=23)]


class ReminderOut(ReminderIn):
    """One reminder."""

    instrument: str
    next_at: datetime


@router.get("/companion/settings")
async def chosen(who: StudentDep, parts: PartsDep) -> ChosenOut:
    """The student's choices; what of their data it may use is under the consents."""
    async with parts.db.acting(who) as tx:
        found = await read_settings(tx, await student_key(tx))
        language = (await read_profile(tx, who.account_id)).language
    return ChosenOut(
        approaches=list(found.approaches),
        tone=found.tone,
        length=found.length,
        quiet_from=found.quiet_from,
        quiet_to=found.quiet_to,
        language=language,
        offered={name: known for name, known in choices().items() if name != "version"},
    )


@router.put("/companion/settings")
async def choose(body: ChosenIn, who: StudentDep, parts: PartsDep) -> ChosenOut:
    """Change them; they hold from the next message on."""
    now = parts.clock.now()
    settings = CompanionSettings(tuple(body.approaches), body.tone, body.length, body.quiet_from, body.quiet_to)
    async with parts.db.acting(who) as tx:
        await save_settings(tx, await student_key(tx), settings, at=now)
        await set_language(tx, body.language, at=now)
    return await chosen(who, parts)


@router.get("/wellness/reminders")
async def reminders(who: StudentDep, parts: PartsDep) -> list[ReminderOut]:
    """The reminders that the student asked for."""
    async with parts.db.acting(who) as tx:
        found = await list_reminders(tx)
    return [ReminderOut.model_validate(reminder, from_attributes=True) for reminder in found]


@router.put("/wellness/reminders/{name}")
async def remind(name: Name, body: ReminderIn, who: StudentDep, parts: PartsDep) -> ReminderOut:
    """Ask for a reminder of a log (or `mood`), by mail, outside the quiet hours."""
    async with parts.db.acting(who) as tx:
        kept = await set_reminder(tx, name, every_days=body.every_days, hour=body.hour, at=parts.clock.now())
    return ReminderOut.model_validate(kept, from_attributes=True)


@router.delete("/wellness/reminders/{name}", status_code=204)
async def forget(name: Name, who: StudentDep, parts: PartsDep) -> None:
    """End a reminder."""
    async with parts.db.acting(who) as tx:
        await end_reminder(tx, name)
