"""How full a student's week is, and their studies at a glance. Every number comes with its parts; never a diagnosis."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from tools.academic import desk
from tools.academic.felt import Answer, Fit, answer_week, fit_of, week_answers
from tools.academic.known import as_of
from tools.academic.overview import CourseView, DayLoad, Record, overview
from tools.academic.pressure import Pressure
from tools.academic.words import words

router = APIRouter(prefix="/api/v1/academic/analytics", tags=["academic"])


class PartOut(BaseModel):
    """One part of the score."""

    name: str
    title: str
    value: float | None = Field(description="0 to 1; none: not enough data, counted as nothing")
    points: int = Field(description="what it adds to the score of 100")
    most: int = Field(description="what it can add")
    text: str


class StressOut(BaseModel):
    """How full the week is, from 0 to 100; `score` is none where there is not enough data."""

    as_of: str
    score: int | None
    band: str = Field(description="low, some, high or not_enough")
    text: str
    about: str
    parts: list[PartOut]
    dated_work: int
    question: str
    answers: list[Answer]
    fit: Fit


class Felt(BaseModel):
    """The answer to the week's question."""

    felt: Annotated[int, Field(ge=1, le=10)]


class OverviewOut(BaseModel):
    """Everything at a glance."""

    as_of: str
    days: list[DayLoad]
    due_this_week: int
    missing: int
    overdue_tasks: int
    not_released: int
    courses: list[CourseView]
    record: Record


@router.get("/stress")
async def stress(who: StudentDep, parts: PartsDep) -> StressOut:
    """How full the next seven days are, with each part; about work, never about how somebody is."""
    look = await desk.look(parts.db, who, parts.clock.now())
    async with parts.db.acting(who) as tx:
        answers = await week_answers(tx)
    return _stress(as_of(look.known), look.pressure, answers)


@router.post("/stress/felt", status_code=201)
async def felt(body: Felt, who: StudentDep, parts: PartsDep) -> StressOut:
    """Answer the week's question, which tells whether the number fits this student; a second answer replaces the first."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        look = await desk.look_in(tx, now)
        today: date = now.astimezone(look.known.zone).date()
        await answer_week(tx, body.felt, look.pressure.score, at=now, today=today)
        answers = await week_answers(tx)
    return _stress(as_of(look.known), look.pressure, answers)


@router.get("/overview")
async def read_overview(who: StudentDep, parts: PartsDep) -> OverviewOut:
    """What each day holds, how each course stands, how the student's own plans came out."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    found = overview(known)
    return OverviewOut(
        as_of=as_of(known),
        days=list(found.days),
        due_this_week=found.due_this_week,
        missing=found.missing,
        overdue_tasks=found.overdue_tasks,
        not_released=found.not_released,
        courses=list(found.courses),
        record=found.record,
    )


def _stress(known_as_of: str, found: Pressure, answers: list[Answer]) -> StressOut:
    said = words()
    return StressOut(
        as_of=known_as_of,
        score=found.score,
        band=found.band,
        text=found.said,
        about=found.about,
        parts=[
            PartOut(
                name=part.name,
                title=said["pressure"]["names"][part.name],
                value=None if part.value is None else round(part.value, 3),
                points=part.points,
                most=round(100 * part.weight),
                text=part.said,
            )
            for part in found.parts
        ],
        dated_work=found.dated,
        question=said["calibration"]["question"],
        answers=answers,
        fit=fit_of(answers),
    )
