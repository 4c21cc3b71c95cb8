"""A student's studies at a glance: what each day holds, how each course stands, how their own plans came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tools.academic.canvas.meaning import WorkState, state_of
from tools.academic.canvas.models import Course, Work
from tools.academic.figures import figures
from tools.academic.grades import current_percent, posted_grades
from tools.academic.items import Academic
from tools.academic.words import words

DAYS = 14
LEAST_DONE = 5


@dataclass(frozen=True, slots=True)
class DayLoad:
    """What is due on a local day."""

    day: date
    pieces: int
    hours: float


@dataclass(frozen=True, slots=True)
class CourseView:
    """How a course stands. `percent` is over what is graded and released; None with the reason in `said`."""

    id: str
    name: str | None
    code: str | None
    percent: float | None
    grade: str | None
    said: str
    open: int
    missing: int
    not_released: int


@dataclass(frozen=True, slots=True)
class Record:
    """How the student's own plans came out. None: not enough data."""

    finished: int
    on_time_share: float | None
    on_time_said: str
    factor: float | None
    factor_said: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at a glance."""

    days: tuple[DayLoad, ...]
    due_this_week: int
    missing: int
    overdue_tasks: int
    not_released: int
    courses: tuple[CourseView, ...]
    record: Record


def overview(known: Academic) -> Overview:
    """Put what is known side by side."""
    items, today = known.items, known.now.astimezone(known.zone).date()
    ahead = [item for item in items if item.open and item.due and item.due >= known.now]
    days = []
    for number in range(DAYS):
        day = today + timedelta(days=number)
        due = [item for item in ahead if item.due and item.due.astimezone(known.zone).date() == day]
        days.append(DayLoad(day, len(due), round(sum(item.hours for item in due), 1)))
    week = known.now + timedelta(days=7)
    return Overview(
        tuple(days),
        due_this_week=sum(bool(item.due and item.due <= week) for item in ahead),
        missing=sum(item.missing for item in items),
        overdue_tasks=sum(item.source == "own" and bool(item.due and item.due < known.now) for item in items),
        not_released=sum(item.state is WorkState.NOT_RELEASED for item in items),
        courses=tuple(course_view(known, course) for course in known.courses.values()),
        record=_record(known),
    )


def course_view(known: Academic, course: Course) -> CourseView:
    """How a course stands; a total that is hidden or not there is said so, never nought."""
    work = known.work_of(course.id)
    states = [state_of(one, known.now) for one in work]
    percent = current_percent(course)
    return CourseView(
        course.id,
        course.name,
        course.course_code,
        percent,
        course.current.computed_current_grade if course.current and percent is not None else None,
        _total(course, percent, work, known),
        open=sum(state in (WorkState.DUE, WorkState.UNDATED) for state in states),
        missing=sum(state in (WorkState.MISSING, WorkState.MISSING_CLOSED) for state in states),
        not_released=sum(state is WorkState.NOT_RELEASED for state in states),
    )


def _total(course: Course, percent: float | None, work: Sequence[Work], known: Academic) -> str:
    said = words()["grades"]
    if course.access_restricted_by_date:
        return str(said["restricted"])
    if percent is not None:
        return str(said["total"].format(percent=f"{percent:g}"))
    hidden = course.hide_final_grades or bool(posted_grades(work, known.now))
    return str(said["hidden" if hidden else "none"])


def _record(known: Academic) -> Record:
    said = words()["overview"]
    done = [task for task in known.tasks if task.completed_at]
    dated = [task for task in done if task.due_at]
    share = None
    on_time = said["on_time_not_enough"].format(n=len(dated), least=LEAST_DONE)
    if len(dated) >= LEAST_DONE:
        share = sum(
            bool(task.completed_at and task.due_at and task.completed_at <= task.due_at) for task in dated
        ) / len(dated)
        on_time = said["on_time"].format(share=round(100 * share), n=len(dated))
    pace = known.pace
    least = figures()["effort"]["least_history"]
    factor = said["factor_not_enough"].format(n=pace.n, least=least)
    if pace.own:
        factor = said["factor"].format(factor=f"{pace.factor:.1f}", n=pace.n)
    return Record(len(done), share, on_time, pace.factor if pace.own else None, factor)
