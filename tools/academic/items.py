"""One list of what a student has to do: work in Canvas and tasks of their own, weighed alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from tools.academic.canvas.meaning import OWED, WorkState, counts, said_of, state_of
from tools.academic.canvas.models import Course, Work
from tools.academic.canvas.times import local_text
from tools.academic.effort import Pace, hours_of_task, hours_of_work
from tools.academic.figures import figures
from tools.academic.grades import closeness, current_percent, share_of
from tools.academic.tasks import Task
from tools.academic.words import words

Source = Literal["canvas", "own"]


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of work of either kind. Times are UTC; hours are what is left to do."""

    id: str
    """Canvas's id of the work, or that of the task."""
    source: Source
    title: str
    course: str | None
    course_id: str | None
    due: datetime | None
    state: WorkState | None
    """None for a task of the student's own."""
    said: str
    """One sentence on how it stands, in the student's own time."""
    weight: float
    """Share of the course's grade, 0 to 1; for a task what its importance stands for."""
    near_boundary: float
    hours: float
    open: bool
    """Whether there is still something to do about it, and it can be handed in."""
    missing: bool
    url: str | None = None
    importance: str = "normal"
    """What the student called a task of their own."""


@dataclass(frozen=True)
class Academic:
    """Everything that is known of a student's studies at a moment, and how old it is."""

    now: datetime
    zone: ZoneInfo
    courses: Mapping[str, Course]
    work: Sequence[Work]
    tasks: Sequence[Task]
    """Open ones, and those finished lately."""
    pace: Pace
    canvas_state: str
    """Of the connection; `not_connected` and `not_allowed` mean that only tasks are known."""
    synced_at: datetime | None

    def work_of(self, course_id: str) -> list[Work]:
        """All work of a course."""
        return [one for one in self.work if one.course_id == course_id]

    @cached_property
    def items(self) -> list[Item]:
        """Every piece of work that is not excused, dated ones first."""
        by_course: dict[str, list[Work]] = defaultdict(list)
        for one in self.work:
            by_course[one.course_id].append(one)
        found = [_of_work(self, one, by_course[one.course_id]) for one in self.work]
        found += [_of_task(self, task) for task in self.tasks if task.completed_at is None]
        return sorted(
            (item for item in found if item.state is not WorkState.EXCUSED),
            key=lambda item: (item.due is None, item.due or self.now, item.title),
        )


def _of_work(known: Academic, work: Work, beside: Sequence[Work]) -> Item:
    course, state = known.courses.get(work.course_id), state_of(work, known.now)
    # On paper nothing is handed in: what lies ahead is to be prepared for.
    return Item(
        id=work.id,
        source="canvas",
        title=work.name,
        course=course.name if course else None,
        course_id=work.course_id,
        due=work.due,
        state=state,
        said=said_of(work, known.now, known.zone),
        weight=share_of(work, course, beside),
        near_boundary=closeness(current_percent(course)) if course else 0.0,
        hours=hours_of_work(work, beside, known.pace),
        open=state in OWED and state is not WorkState.NOT_OPEN and counts_or_is_dated(work),
        missing=state in (WorkState.MISSING, WorkState.MISSING_CLOSED),
        url=work.html_url if (work.html_url or "").startswith(("https://", "http://")) else None,
    )


def counts_or_is_dated(work: Work) -> bool:
    """Whether work is a thing to do: a survey that counts for nothing and is due never is not."""
    return counts(work) or work.due is not None


def _of_task(known: Academic, task: Task) -> Item:
    said = words()["task"]["undated"]
    if task.due_at:
        name = "overdue" if task.due_at < known.now else "due"
        said = words()["task"][name].format(due=local_text(task.due_at, known.zone, known.now))
    return Item(
        id=str(task.id),
        source="own",
        title=task.title,
        course=task.course,
        course_id=None,
        due=task.due_at,
        state=None,
        said=said,
        weight=figures()["priority"]["own"][task.importance],
        near_boundary=0.0,
        hours=hours_of_task(task, known.pace),
        open=True,
        missing=False,
        importance=task.importance,
    )
