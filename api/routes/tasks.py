"""Tasks that a student keeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.deps import PartsDep, StudentDep
from tools.academic import tasks
from tools.people.keys import student_key

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class TaskIn(BaseModel):
    """A thing to do."""

    title: Annotated[str, Field(min_length=1, max_length=tasks.LONGEST_TITLE)]
    due_at: AwareDatetime | None = None
    estimate_minutes: Annotated[int, Field(ge=1, le=6000)] | None = None
    course: Annotated[str, Field(max_length=120)] | None = None


class TaskOut(BaseModel):
    """A stored task; times are UTC."""

    id: UUID
    title: str
    course: str | None
    due_at: datetime | None
    estimate_minutes: int | None
    completed_at: datetime | None
    created_at: datetime


class TaskList(BaseModel):
    """Tasks, soonest due first, undated last."""

    items: list[TaskOut]


@router.post("", status_code=201)
async def create(body: TaskIn, who: StudentDep, parts: PartsDep) -> TaskOut:
    """Create a task."""
    async with parts.db.acting(who) as tx:
        task = await tasks.create_task(
            tx,
            await student_key(tx),
            title=body.title,
            due_at=body.due_at,
            estimate_minutes=body.estimate_minutes,
            course=body.course,
        )
    return TaskOut.model_validate(task, from_attributes=True)


@router.get("")
async def list_(who: StudentDep, parts: PartsDep, include_done: bool = False) -> TaskList:
    """The student's tasks."""
    async with parts.db.acting(who) as tx:
        found = await tasks.list_tasks(tx, await student_key(tx), include_done=include_done)
    return TaskList(items=[TaskOut.model_validate(task, from_attributes=True) for task in found])


@router.get("/due")
async def due(who: StudentDep, parts: PartsDep, days: Annotated[int, Query(ge=1, le=60)] = 7) -> TaskList:
    """Open tasks due in the next days, overdue ones included."""
    async with parts.db.acting(who) as tx:
        found = await tasks.whats_due(tx, await student_key(tx), until=parts.clock.now() + timedelta(days=days))
    return TaskList(items=[TaskOut.model_validate(task, from_attributes=True) for task in found])


@router.post("/{task_id}/complete")
async def complete(task_id: UUID, who: StudentDep, parts: PartsDep) -> TaskOut:
    """Mark a task done; a second time changes nothing."""
    async with parts.db.acting(who) as tx:
        task = await tasks.complete_task(tx, await student_key(tx), task_id=task_id, at=parts.clock.now())
    return TaskOut.model_validate(task, from_attributes=True)
