"""Tells on what happened, as part of the transaction in which it did: the event and its job commit together or not at all.

An event carries what it is about as an id and whatever else sealed. The same about the same is one event, however often
it is told.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from core.crypto import SubjectKey
from core.ids import new_id
from db.access import Tx
from db.jobs import put
from tools.people.people import require_student

JOB = "student_events"


class EventKind(StrEnum):
    """What can happen."""

    ACADEMIC_STRESS_HIGH = "academic_stress.high"
    ASSIGNMENT_OVERDUE = "assignment.overdue"
    TASK_COMPLETION_PATTERN = "task.completion_pattern"
    MOOD_LOGGED = "mood.logged"
    MOOD_SHIFT = "mood.shift"
    SLEEP_POOR = "sleep.poor"
    INSTRUMENT_SUBMITTED = "instrument.submitted"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the data of the student whose rows are open."""

    id: UUID
    kind: EventKind
    about: str
    """What makes it one of its kind: an entry's id, a week, a piece of work."""
    at: datetime
    facts: dict[str, Any]


async def emit(
    tx: Tx, key: SubjectKey, kind: EventKind, about: object, *, at: datetime, facts: dict[str, Any] | None = None
) -> bool:
    """Tell that something happened to the acting student's data; False when it was told before."""
    event = Event(new_id(), kind, str(about), at, facts or {})
    stored = await tx.conn.execute(
        "insert into student_events (id, institution_id, student_id, kind, about, at, facts_sealed)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (student_id, kind, about) do nothing",
        (
            event.id, tx.who.institution_id, require_student(tx), kind, event.about, at,
            key.seal(orjson.dumps(event.facts).decode(), f"student_events.facts:{event.id}"),
        ),
    )  # fmt: skip
    if not stored.rowcount:
        return False
    await put(tx, JOB, lock=f"{JOB}:{tx.who.student_id}")
    return True


async def next_event(tx: Tx, key: SubjectKey) -> Event | None:
    """Return the acting student's oldest event that nobody has acted on, and hold it for this transaction."""
    cursor = await tx.conn.execute(
        "select id, kind, about, at, facts_sealed from student_events where student_id = %s and handled_at is null"
        " order by seq limit 1 for update",
        (require_student(tx),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    facts = orjson.loads(key.open(row[4], f"student_events.facts:{row[0]}"))
    return Event(row[0], EventKind(row[1]), row[2], row[3], facts)


@cache
def rules() -> dict[str, Any]:
    """The packaged figures."""
    return tomllib.loads(Path(__file__).with_name("events.toml").read_text(encoding="utf-8"))
