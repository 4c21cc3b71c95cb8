"""A student's studies: courses, work, grades, what is missing, what comes first, the plan. Moments carry the student's zone."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from core.errors import NotFound
from tools.academic import desk
from tools.academic.canvas.meaning import WorkState, visible_score
from tools.academic.grades import posted_grades
from tools.academic.items import Academic, Item
from tools.academic.known import as_of
from tools.academic.overview import CourseView, course_view
from tools.academic.plan import StudyPlan
from tools.academic.priority import Ranked
from tools.academic.study import Busy, StudyTimes, Week, assumed, forget_week, save_week
from tools.people.keys import student_key

router = APIRouter(prefix="/api/v1/academic", tags=["academic"])


class WorkOut(BaseModel):
    """A piece of work in Canvas, or a task of the student's own. `text` is for the student."""

    id: str
    source: str = Field(description="canvas or own")
    title: str
    course: str | None
    course_id: str | None
    due: datetime | None
    state: WorkState | None = Field(description="none for a task of the student's own")
    text: str
    share_of_grade: float = Field(description="0 to 1, an estimate where a group drops the lowest")
    hours: float = Field(description="estimate of what is left to do")
    open: bool = Field(description="whether something can still be done about it")
    missing: bool
    url: str | None


class WorkList(BaseModel):
    """Work, dated first; `as_of` says how old what came from Canvas is."""

    as_of: str
    items: list[WorkOut]


class CourseList(BaseModel):
    """Courses, each with its total or why there is none."""

    as_of: str
    items: list[CourseView]


class GradeOut(BaseModel):
    """A released grade."""

    work_id: str
    title: str
    score: float
    points: float
    percent: float
    released_at: datetime


class CourseGrades(BaseModel):
    """The grades of a course. What is graded and not released is named, without a number."""

    course: CourseView
    grades: list[GradeOut]
    not_released: list[str]


class GradeList(BaseModel):
    """Grades by course."""

    as_of: str
    items: list[CourseGrades]


class RankedOut(BaseModel):
    """A piece of work with its place and the parts of it."""

    work: WorkOut
    score: float
    importance: float
    urgency: float
    slack_hours: float | None
    late_factor: float
    kept_slot: bool
    why: str


class RankedList(BaseModel):
    """Open work, what comes first first."""

    as_of: str
    items: list[RankedOut]


class BlockOut(BaseModel):
    """A sitting."""

    start: datetime
    end: datetime
    work_id: str
    source: str
    title: str
    kept: bool
    text: str


class MilestoneOut(BaseModel):
    """How far long work is to be by a day."""

    work_id: str
    title: str
    by: date
    part: int
    parts: int


class PlanOut(BaseModel):
    """The study plan with what did not fit and what was assumed."""

    as_of: str
    days: int
    blocks: list[BlockOut]
    milestones: list[MilestoneOut]
    notes: list[str]


class TimesOut(BaseModel):
    """When the student sleeps, is busy and has time."""

    said: bool = Field(description="false: assumed")
    sleep_from: time
    sleep_to: time
    free_hours: list[float] = Field(description="by weekday, Monday first")
    busy: list[Busy]


@router.get("/courses")
async def courses(who: StudentDep, parts: PartsDep) -> CourseList:
    """The student's courses."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    return CourseList(as_of=as_of(known), items=[course_view(known, course) for course in known.courses.values()])


@router.get("/assignments")
async def assignments(
    who: StudentDep,
    parts: PartsDep,
    course_id: str | None = None,
    state: Annotated[WorkState | None, Query(description="only work that stands so")] = None,
) -> WorkList:
    """Work in Canvas, dated first; excused work is left out."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    found = [item for item in known.items if item.source == "canvas"]
    found = [item for item in found if course_id in (None, item.course_id) and state in (None, item.state)]
    return WorkList(as_of=as_of(known), items=[work_out(known, item) for item in found])


@router.get("/assignments/{work_id}")
async def assignment(work_id: str, who: StudentDep, parts: PartsDep) -> WorkOut:
    """One piece of work."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    for item in known.items:
        if (item.source, item.id) == ("canvas", work_id):
            return work_out(known, item)
    raise NotFound


@router.get("/grades")
async def grades(who: StudentDep, parts: PartsDep) -> GradeList:
    """Released grades by course; a hidden one is no number."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    return GradeList(as_of=as_of(known), items=[_grades(known, course_id) for course_id in known.courses])


@router.get("/missing")
async def missing(who: StudentDep, parts: PartsDep) -> WorkList:
    """Missing work; `open` tells whether Canvas still takes it."""
    known = (await desk.look(parts.db, who, parts.clock.now())).known
    return WorkList(as_of=as_of(known), items=[work_out(known, item) for item in known.items if item.missing])


@router.get("/priorities")
async def priorities(who: StudentDep, parts: PartsDep) -> RankedList:
    """Open work and tasks, what comes first first, with the parts of each score."""
    look = await desk.look(parts.db, who, parts.clock.now())
    return RankedList(as_of=as_of(look.known), items=[_ranked(look.known, one) for one in look.ranked])


@router.get("/study-plan")
async def study_plan(who: StudentDep, parts: PartsDep, days: Annotated[int, Query(ge=1, le=14)] = 7) -> PlanOut:
    """Blocks of work for the next days, spread before deadlines and around busy times and sleep."""
    look = await desk.look(parts.db, who, parts.clock.now(), days=days)
    return _plan(look.known, look.plan)


@router.get("/study-times")
async def read_times(who: StudentDep, parts: PartsDep) -> TimesOut:
    """When the student sleeps, is busy and has time; assumed until they say."""
    return _times((await desk.look(parts.db, who, parts.clock.now())).week)


@router.put("/study-times")
async def put_times(body: StudyTimes, who: StudentDep, parts: PartsDep) -> TimesOut:
    """Store them, replacing the earlier ones."""
    async with parts.db.acting(who) as tx:
        await save_week(tx, await student_key(tx), body, at=parts.clock.now())
    return _times(Week(body, said=True))


@router.delete("/study-times")
async def delete_times(who: StudentDep, parts: PartsDep) -> TimesOut:
    """Forget them, and assume again."""
    async with parts.db.acting(who) as tx:
        await forget_week(tx)
    return _times(Week(assumed(), said=False))


def work_out(known: Academic, item: Item) -> WorkOut:
    """A piece of work as the interface gives it."""
    return WorkOut(
        id=item.id, source=item.source, title=item.title, course=item.course, course_id=item.course_id,
        due=item.due.astimezone(known.zone) if item.due else None, state=item.state, text=item.said,
        share_of_grade=round(item.weight, 4) if item.source == "canvas" else 0.0, hours=round(item.hours, 2),
        open=item.open, missing=item.missing, url=item.url,
    )  # fmt: skip


def _grades(known: Academic, course_id: str) -> CourseGrades:
    work = known.work_of(course_id)
    found = [
        GradeOut(
            work_id=one.work.id, title=one.work.name, score=visible_score(one.work) or 0.0,
            points=one.work.points_possible or 0.0, percent=round(one.percent, 1),
            released_at=one.at.astimezone(known.zone),
        )
        for one in posted_grades(work, known.now)
    ]  # fmt: skip
    hidden = [
        item.title for item in known.items if item.course_id == course_id and item.state is WorkState.NOT_RELEASED
    ]
    return CourseGrades(course=course_view(known, known.courses[course_id]), grades=found, not_released=hidden)


def _ranked(known: Academic, one: Ranked) -> RankedOut:
    parts = one.parts
    return RankedOut(
        work=work_out(known, one.item), score=round(one.score, 4), importance=round(parts.importance, 4),
        urgency=round(parts.urgency, 3), late_factor=round(parts.late_factor, 2), kept_slot=one.kept_slot, why=one.why,
        slack_hours=round(parts.slack_hours, 1) if parts.slack_hours is not None else None,
    )  # fmt: skip


def _plan(known: Academic, plan: StudyPlan) -> PlanOut:
    blocks = [
        BlockOut(
            start=block.start.astimezone(known.zone), end=block.end.astimezone(known.zone), work_id=block.item.id,
            source=block.item.source, title=block.item.title, kept=block.kept, text=block.said,
        )
        for block in plan.blocks
    ]  # fmt: skip
    steps = [
        MilestoneOut(work_id=step.item.id, title=step.item.title, by=step.by, part=step.part, parts=step.parts)
        for step in plan.milestones
    ]
    return PlanOut(as_of=as_of(known), days=plan.days, blocks=blocks, milestones=steps, notes=list(plan.notes))


def _times(week: Week) -> TimesOut:
    times = week.times
    return TimesOut(
        said=week.said, sleep_from=times.sleep_from, sleep_to=times.sleep_to, free_hours=list(times.free_hours),
        busy=list(times.busy),
    )  # fmt: skip
