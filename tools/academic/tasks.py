"""Tasks that a student keeps: create, list, complete, and what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.crypto import SubjectKey
from core.errors import InvalidInput, NotFound
from core.ids import TurnId, new_id
from db.access import Tx
from tools.people.people import require_student

LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do; times are UTC."""

    id: UUID
    title: str
    course: str | None
    due_at: datetime | None
    estimate_minutes: int | None
    completed_at: datetime | None
    created_at: datetime


async def create_task(
    tx: Tx,
    key: SubjectKey,
    *,
    title: str,
    due_at: datetime | None = None,
    estimate_minutes: int | None = None,
    course: str | None = None,
    source_turn: TurnId | None = None,
) -> Task:
    """Store a task of the acting student; raises `InvalidInput`."""
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidInput(f"A task needs a title of 1 to {LONGEST_TITLE} characters.")
    if estimate_minutes is not None and not 1 <= estimate_minutes <= 6000:
        raise InvalidInput("An estimate is between one minute and one hundred hours.")
    task_id = new_id()
    cursor = await tx.conn.execute(
        "insert into tasks (id, institution_id, student_id, source_turn, title_sealed, course_sealed, due_at,"
        " estimate_minutes) values (%s, %s, %s, %s, %s, %s, %s, %s)"
        " returning id, title_sealed, course_sealed, due_at, estimate_minutes, completed_at, created_at",
        (
            task_id,
            tx.who.institution_id,
            require_student(tx),
            source_turn,
            key.seal(title, f"tasks.title:{task_id}"),
            key.seal(course, f"tasks.course:{task_id}") if course else None,
            due_at,
            estimate_minutes,
        ),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    return _task(key, row)


async def list_tasks(tx: Tx, key: SubjectKey, *, include_done: bool = False, limit: int = 100) -> list[Task]:
    """Return the acting student's tasks, soonest due first, undated last."""
    cursor = await tx.conn.execute(
        "select id, title_sealed, course_sealed, due_at, estimate_minutes, completed_at, created_at"
        " from tasks where student_id = %s and (%s or completed_at is null)"
        " order by due_at nulls last, created_at limit %s",
        (require_student(tx), include_done, limit),
    )
    return [_task(key, row) for row in await cursor.fetchall()]


async def whats_due(tx: Tx, key: SubjectKey, *, until: datetime, limit: int = 50) -> list[Task]:
    """Return open tasks due up to `until`, overdue ones included, soonest first."""
    cursor = await tx.conn.execute(
        "select id, title_sealed, course_sealed, due_at, estimate_minutes, completed_at, created_at"
        " from tasks where student_id = %s and completed_at is null and due_at <= %s"
        " order by due_at, created_at limit %s",
        (require_student(tx), until, limit),
    )
    return [_task(key, row) for row in await cursor.fetchall()]


async def complete_task(tx: Tx, key: SubjectKey, *, task_id: UUID, at: datetime) -> Task:
    """Mark a task done; doing it twice keeps the first time. Raises `NotFound`."""
    cursor = await tx.conn.execute(
        "update tasks set completed_at = coalesce(completed_at, %s) where id = %s and student_id = %s"
        " returning id, title_sealed, course_sealed, due_at, estimate_minutes, completed_at, created_at",
        (at, task_id, require_student(tx)),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such task.")
    return _task(key, row)


def _task(key: SubjectKey, row: tuple[Any, ...]) -> Task:
    course = key.open(row[2], f"tasks.course:{row[0]}") if row[2] else None
    return Task(row[0], key.open(row[1], f"tasks.title:{row[0]}"), course, *row[3:])
