"""Tasks that a student keeps: create, read, change, complete, delete, and what is due."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from core.crypto import SubjectKey
from core.errors import InvalidInput, NotFound
from core.ids import TurnId, new_id
from db.access import Tx
from tools.people.people import require_student

LONGEST_TITLE = 300
LONGEST_MINUTES = 6000
Importance = Literal["low", "normal", "high"]
FIELDS = (
    "id, title_sealed, course_sealed, due_at, estimate_minutes, completed_at, created_at, importance, spent_minutes"
)


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
    importance: Importance = "normal"
    """How much it counts, as the student sees it."""
    spent_minutes: int | None = None
    """How long it took in the end, if the student said."""


async def create_task(
    tx: Tx,
    key: SubjectKey,
    *,
    title: str,
    due_at: datetime | None = None,
    estimate_minutes: int | None = None,
    course: str | None = None,
    importance: Importance = "normal",
    source_turn: TurnId | None = None,
) -> Task:
    """Store a task of the acting student; raises `InvalidInput`."""
    title = _title(title)
    _check(estimate_minutes, importance)
    task_id = new_id()
    cursor = await tx.conn.execute(
        "insert into tasks (id, institution_id, student_id, source_turn, title_sealed, course_sealed, due_at,"  # noqa: S608
        f" estimate_minutes, importance) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning {FIELDS}",
        (
            task_id,
            tx.who.institution_id,
            require_student(tx),
            source_turn,
            *_sealed(key, task_id, title, course),
            due_at,
            estimate_minutes,
            importance,
        ),
    )
    return _found(key, await cursor.fetchone())


async def read_task(tx: Tx, key: SubjectKey, task_id: UUID) -> Task:
    """Return one task of the acting student's; raises `NotFound`."""
    cursor = await tx.conn.execute(
        f"select {FIELDS} from tasks where id = %s and student_id = %s",  # noqa: S608
        (task_id, require_student(tx)),
    )
    return _found(key, await cursor.fetchone())


async def change_task(tx: Tx, key: SubjectKey, task_id: UUID, changes: dict[str, Any]) -> Task:
    """Change the named fields of a task: title, course, due_at, estimate_minutes, importance, spent_minutes.

    Raises `NotFound`, `InvalidInput`.
    """
    task = replace(await read_task(tx, key, task_id), **changes)
    title = _title(task.title)
    _check(task.estimate_minutes, task.importance, task.spent_minutes)
    cursor = await tx.conn.execute(
        "update tasks set title_sealed = %s, course_sealed = %s, due_at = %s, estimate_minutes = %s, importance = %s,"  # noqa: S608
        f" spent_minutes = %s where id = %s and student_id = %s returning {FIELDS}",
        (
            *_sealed(key, task_id, title, task.course),
            task.due_at,
            task.estimate_minutes,
            task.importance,
            task.spent_minutes,
            task_id,
            require_student(tx),
        ),
    )
    return _found(key, await cursor.fetchone())


async def delete_task(tx: Tx, task_id: UUID) -> None:
    """Delete a task; raises `NotFound`."""
    cursor = await tx.conn.execute(
        "delete from tasks where id = %s and student_id = %s", (task_id, require_student(tx))
    )
    if cursor.rowcount == 0:
        raise NotFound("There is no such task.")


async def list_tasks(tx: Tx, key: SubjectKey, *, include_done: bool = False, limit: int = 100) -> list[Task]:
    """Return the acting student's tasks, soonest due first, undated last."""
    cursor = await tx.conn.execute(
        f"select {FIELDS} from tasks where student_id = %s and (%s or completed_at is null)"  # noqa: S608
        " order by due_at nulls last, created_at limit %s",
        (require_student(tx), include_done, limit),
    )
    return [_task(key, row) for row in await cursor.fetchall()]


async def tasks_for_analysis(tx: Tx, key: SubjectKey, *, since: datetime, limit: int) -> list[Task]:
    """Return open tasks and those finished from `since` on."""
    cursor = await tx.conn.execute(
        f"select {FIELDS} from tasks where student_id = %s and (completed_at is null or completed_at >= %s)"  # noqa: S608
        " order by completed_at desc nulls first, due_at nulls last limit %s",
        (require_student(tx), since, limit),
    )
    return [_task(key, row) for row in await cursor.fetchall()]


async def whats_due(tx: Tx, key: SubjectKey, *, until: datetime, limit: int = 50) -> list[Task]:
    """Return open tasks due up to `until`, overdue ones included, soonest first."""
    cursor = await tx.conn.execute(
        f"select {FIELDS} from tasks where student_id = %s and completed_at is null and due_at <= %s"  # noqa: S608
        " order by due_at, created_at limit %s",
        (require_student(tx), until, limit),
    )
    return [_task(key, row) for row in await cursor.fetchall()]


async def complete_task(
    tx: Tx, key: SubjectKey, *, task_id: UUID, at: datetime, spent_minutes: int | None = None
) -> Task:
    """Mark a task done, with the time it took if known; doing it twice keeps the first time. Raises `NotFound`."""
    _check(None, "normal", spent_minutes)
    cursor = await tx.conn.execute(
        "update tasks set completed_at = coalesce(completed_at, %s), spent_minutes = coalesce(%s, spent_minutes)"  # noqa: S608
        f" where id = %s and student_id = %s returning {FIELDS}",
        (at, spent_minutes, task_id, require_student(tx)),
    )
    return _found(key, await cursor.fetchone())


async def reopen_task(tx: Tx, key: SubjectKey, task_id: UUID) -> Task:
    """Mark a task as not done after all; raises `NotFound`."""
    cursor = await tx.conn.execute(
        f"update tasks set completed_at = null where id = %s and student_id = %s returning {FIELDS}",  # noqa: S608
        (task_id, require_student(tx)),
    )
    return _found(key, await cursor.fetchone())


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidInput(f"A task needs a title of 1 to {LONGEST_TITLE} characters.")
    return title


def _check(estimate_minutes: int | None, importance: str, spent_minutes: int | None = None) -> None:
    if estimate_minutes is not None and not 1 <= estimate_minutes <= LONGEST_MINUTES:
        raise InvalidInput("An estimate is between one minute and one hundred hours.")
    if spent_minutes is not None and not 1 <= spent_minutes <= LONGEST_MINUTES:
        raise InvalidInput("The time it took is between one minute and one hundred hours.")
    if importance not in get_args(Importance):
        raise InvalidInput("A task counts low, normal or high.")


def _sealed(key: SubjectKey, task_id: UUID, title: str, course: str | None) -> tuple[bytes, bytes | None]:
    return (
        key.seal(title, f"tasks.title:{task_id}"),
        key.seal(course, f"tasks.course:{task_id}") if course else None,
    )


def _found(key: SubjectKey, row: tuple[Any, ...] | None) -> Task:
    if row is None:
        raise NotFound("There is no such task.")
    return _task(key, row)


def _task(key: SubjectKey, row: tuple[Any, ...]) -> Task:
    course = key.open(row[2], f"tasks.course:{row[0]}") if row[2] else None
    return Task(row[0], key.open(row[1], f"tasks.title:{row[0]}"), course, *row[3:])
