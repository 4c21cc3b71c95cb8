"""Tasks that a student keeps, each with its place among everything that is to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.deps import PartsDep, StudentDep
from tools.academic import desk, tasks
from tools.academic.canvas.times import zone_of_student
from tools.academic.desk import Look
from tools.academic.tasks import Importance, Task
from tools.people.keys import student_key

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])
Title = Annotated[str, Field(min_length=1, max_length=tasks.LONGEST_TITLE)]
Minutes = Annotated[int, Field(ge=1, le=tasks.LONGEST_MINUTES)]
CourseName = Annotated[str, Field(max_length=120)]


class TaskIn(BaseModel):
    """A thing to do."""

    title: Title
    due_at: AwareDatetime | None = None
    estimate_minutes: Minutes | None = None
    course: CourseName | None = None
    importance: Importance = "normal"


class TaskChange(BaseModel):
    """What changes; a field that is left out stays, null empties it."""

    title: Title | None = None
    due_at: AwareDatetime | None = None
    estimate_minutes: Minutes | None = None
    course: CourseName | None = None
    importance: Importance | None = None
    spent_minutes: Minutes | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent; title and importance cannot be emptied."""
        sent = self.model_dump(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name not in ("title", "importance")}


class Done(BaseModel):
    """How a task went."""

    spent_minutes: Minutes | None = None


class Place(BaseModel):
    """Where an open task stands among all work, and why."""

    score: float
    importance: float
    urgency: float
    slack_hours: float | None
    why: str


class TaskOut(BaseModel):
    """A stored task; moments carry the student's own zone."""

    id: UUID
    title: str
    course: str | None
    due_at: datetime | None
    estimate_minutes: int | None
    importance: Importance
    spent_minutes: int | None
    completed_at: datetime | None
    created_at: datetime
    priority: Place | None = Field(None, description="of open tasks, in lists")


class TaskList(BaseModel):
    """Tasks: soonest due first and undated last, or by priority."""

    items: list[TaskOut]


@router.post("", status_code=201)
async def create(body: TaskIn, who: StudentDep, parts: PartsDep) -> TaskOut:
    """Create a task."""
    async with parts.db.acting(who) as tx:
        task = await tasks.create_task(tx, await student_key(tx), **body.model_dump())
        return _out(task, await zone_of_student(tx, None))


@router.get("")
async def list_(
    who: StudentDep, parts: PartsDep, include_done: bool = False, order: Literal["due", "priority"] = "due"
) -> TaskList:
    """The student's tasks, open ones with their place among everything that is to do."""
    look, now = None, parts.clock.now()
    async with parts.db.acting(who) as tx:
        found = await tasks.list_tasks(tx, await student_key(tx), include_done=include_done)
        look = await desk.look_in(tx, now)
    places = _places(look)
    items = [_out(task, look.known.zone, places.get(str(task.id))) for task in found]
    if order == "priority":
        items.sort(key=lambda item: (item.priority is None, -(item.priority.score if item.priority else 0.0)))
    return TaskList(items=items)


@router.get("/due")
async def due(who: StudentDep, parts: PartsDep, days: Annotated[int, Query(ge=1, le=60)] = 7) -> TaskList:
    """Open tasks due in the next days, overdue ones included."""
    async with parts.db.acting(who) as tx:
        found = await tasks.whats_due(tx, await student_key(tx), until=parts.clock.now() + timedelta(days=days))
        zone = await zone_of_student(tx, None)
    return TaskList(items=[_out(task, zone) for task in found])


@router.get("/{task_id}")
async def read(task_id: UUID, who: StudentDep, parts: PartsDep) -> TaskOut:
    """One task."""
    async with parts.db.acting(who) as tx:
        return _out(await tasks.read_task(tx, await student_key(tx), task_id), await zone_of_student(tx, None))


@router.patch("/{task_id}")
async def change(task_id: UUID, body: TaskChange, who: StudentDep, parts: PartsDep) -> TaskOut:
    """Change a task."""
    async with parts.db.acting(who) as tx:
        task = await tasks.change_task(tx, await student_key(tx), task_id, body.changes())
        return _out(task, await zone_of_student(tx, None))


@router.delete("/{task_id}", status_code=204)
async def delete(task_id: UUID, who: StudentDep, parts: PartsDep) -> None:
    """Delete a task."""
    async with parts.db.acting(who) as tx:
        await tasks.delete_task(tx, task_id)


@router.post("/{task_id}/complete")
async def complete(task_id: UUID, who: StudentDep, parts: PartsDep, body: Done | None = None) -> TaskOut:
    """Mark a task done, with the time it took if known; a second time keeps the first."""
    spent = body.spent_minutes if body else None
    async with parts.db.acting(who) as tx:
        task = await tasks.complete_task(
            tx, await student_key(tx), task_id=task_id, at=parts.clock.now(), spent_minutes=spent
        )
        return _out(task, await zone_of_student(tx, None))


@router.post("/{task_id}/reopen")
async def reopen(task_id: UUID, who: StudentDep, parts: PartsDep) -> TaskOut:
    """Mark a task as not done after all."""
    async with parts.db.acting(who) as tx:
        return _out(await tasks.reopen_task(tx, await student_key(tx), task_id), await zone_of_student(tx, None))


def _places(look: Look) -> dict[str, Place]:
    return {
        one.item.id: Place(
            score=round(one.score, 4),
            importance=round(one.parts.importance, 4),
            urgency=round(one.parts.urgency, 3),
            slack_hours=None if one.parts.slack_hours is None else round(one.parts.slack_hours, 1),
            why=one.why,
        )
        for one in look.ranked
        if one.item.source == "own"
    }


def _out(task: Task, zone: ZoneInfo, place: Place | None = None) -> TaskOut:
    def local(moment: datetime | None) -> datetime | None:
        return moment.astimezone(zone) if moment else None

    return TaskOut(
        id=task.id, title=task.title, course=task.course, due_at=local(task.due_at),
        estimate_minutes=task.estimate_minutes, importance=task.importance, spent_minutes=task.spent_minutes,
        completed_at=local(task.completed_at), created_at=task.created_at.astimezone(zone), priority=place,
    )  # fmt: skip
