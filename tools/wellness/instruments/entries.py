"""Entries of every instrument and log: one table, values sealed under the student's key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from core.crypto import SubjectKey
from core.cursor import read_cursor, write_cursor
from core.errors import NotFound
from core.ids import TurnId, new_id
from db.access import Tx
from tools.events.outbox import EventKind, emit
from tools.people.people import require_student
from tools.wellness.instruments.answers import Answers
from tools.wellness.instruments.definition import Definition
from tools.wellness.instruments.scoring import Score

COLUMNS = "id, instrument, version, day, at, values_sealed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One time that something was filled in."""

    id: UUID
    instrument: str
    version: int
    """Of the definition that it was filled in by."""
    day: date
    """The student's own day it is about."""
    at: datetime
    answers: Answers
    score: Score | None
    """As it was worked out then."""


async def save_entry(
    tx: Tx,
    key: SubjectKey,
    made: Definition,
    answers: Answers,
    score: Score | None,
    *,
    day: date,
    at: datetime,
    entry_id: UUID | None = None,
    source_turn: TurnId | None = None,
    tell: bool = True,
) -> Entry:
    """Store an entry of the acting student and tell about it, unless it is of long ago. A daily log holds one a day: a later one replaces it, under the same id.

    The same `entry_id` again replaces nothing but itself.
    """
    slot = day.isoformat() if made.per == "day" else None
    student = require_student(tx)
    chosen = entry_id or new_id()
    if slot is not None:
        found = await tx.conn.execute(
            "select id from entries where student_id = %s and instrument = %s and slot = %s for update",
            (student, made.id, slot),
        )
        row = await found.fetchone()
        chosen = row[0] if row else chosen
    entry = Entry(chosen, made.id, made.version, day, at, answers, score)
    await tx.conn.execute(
        "insert into entries (id, institution_id, student_id, source_turn, instrument, version, slot, day, at, values_sealed)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do update set version = excluded.version,"
        " at = excluded.at, values_sealed = excluded.values_sealed, source_turn = excluded.source_turn",
        (
            entry.id, tx.who.institution_id, student, source_turn, made.id, made.version, slot, day, at,
            key.seal(_dump(entry), f"entries.values:{entry.id}"),
        ),
    )  # fmt: skip
    if tell:
        about = f"{entry.id}:{at.isoformat()}"
        await emit(tx, key, EventKind.INSTRUMENT_SUBMITTED, about, at=at, facts={"entry": str(entry.id)})
    return entry


async def read_entry(tx: Tx, key: SubjectKey, entry_id: UUID) -> Entry:
    """Return one entry of the acting student; raises `NotFound`."""
    cursor = await tx.conn.execute(
        f"select {COLUMNS} from entries where id = %s and student_id = %s",  # noqa: S608  # our own columns
        (entry_id, require_student(tx)),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such entry.")
    return _entry(key, row)


async def delete_entry(tx: Tx, entry_id: UUID) -> None:
    """Delete one entry of the acting student; raises `NotFound`."""
    cursor = await tx.conn.execute(
        "delete from entries where id = %s and student_id = %s", (entry_id, require_student(tx))
    )
    if not cursor.rowcount:
        raise NotFound("There is no such entry.")


async def entries_since(tx: Tx, key: SubjectKey, instrument: str, since: date, *, limit: int = 1000) -> list[Entry]:
    """Return entries about days from `since` on, newest first."""
    cursor = await tx.conn.execute(
        f"select {COLUMNS} from entries where student_id = %s and instrument = %s and day >= %s"  # noqa: S608  # as above
        " order by at desc, id desc limit %s",
        (require_student(tx), instrument, since, limit),
    )
    return [_entry(key, row) for row in await cursor.fetchall()]


async def entry_page(
    tx: Tx, key: SubjectKey, instrument: str, *, limit: int, cursor: str | None = None
) -> tuple[list[Entry], str | None]:
    """Return entries, newest first, after a cursor, and the cursor of the next page; raises `InvalidInput`."""
    at, entry_id = read_cursor(cursor) if cursor else (None, None)
    found = await tx.conn.execute(
        f"select {COLUMNS} from entries where student_id = %s and instrument = %s"  # noqa: S608  # our own columns
        " and (%s::timestamptz is null or (at, id) < (%s, %s)) order by at desc, id desc limit %s",
        (require_student(tx), instrument, at, at, entry_id, limit + 1),
    )
    rows = await found.fetchall()
    page = [_entry(key, row) for row in rows[:limit]]
    return page, write_cursor(page[-1].at, page[-1].id) if len(rows) > limit else None


async def last_days(tx: Tx) -> dict[str, date]:
    """Return for each instrument the newest day that the acting student filled it in for."""
    cursor = await tx.conn.execute(
        "select instrument, max(day) from entries where student_id = %s group by instrument", (require_student(tx),)
    )
    return dict(await cursor.fetchall())


def _dump(entry: Entry) -> str:
    return orjson.dumps({"answers": entry.answers, "score": entry.score}).decode()


def _entry(key: SubjectKey, row: tuple[Any, ...]) -> Entry:
    entry_id, instrument, version, day, at, sealed = row
    stored = orjson.loads(key.open(sealed, f"entries.values:{entry_id}"))
    scored = Score(**stored["score"]) if stored["score"] else None
    return Entry(entry_id, instrument, version, day, at, stored["answers"], scored)
