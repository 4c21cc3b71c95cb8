"""Mood: log it, read it back, say which way it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np

from core.crypto import SubjectKey
from core.cursor import read_cursor, write_cursor
from core.errors import InvalidInput, NotFound
from core.ids import TurnId, new_id
from db.access import Tx
from tools.events.outbox import EventKind, emit
from tools.people.people import require_student
from tools.wellness.emotions import EMOTIONS, chosen

__all__ = ["EMOTIONS", "MoodEntry", "MoodTrend", "log_mood", "mood_history", "mood_page", "mood_trend"]
COLUMNS = "id, score, emotions, note_sealed, logged_at"
LONGEST_NOTE = 4000
LEAST_FOR_TREND = 4
STEADY_PER_WEEK = 0.5
"""A slope below half a point a week is called steady: people re-rate the same day by about that much."""

Direction = Literal["up", "down", "steady", "not_enough"]


@dataclass(frozen=True, slots=True)
class MoodEntry:
    """One mood log; score from 1 (very low) to 10 (very good)."""

    id: UUID
    score: int
    emotions: tuple[str, ...]
    note: str | None
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class MoodTrend:
    """Which way the mood goes over the given entries."""

    n: int
    mean: float | None
    slope_per_week: float | None
    direction: Direction
    first: MoodEntry | None
    latest: MoodEntry | None


async def log_mood(
    tx: Tx,
    key: SubjectKey,
    *,
    score: int,
    emotions: Sequence[str] = (),
    note: str | None = None,
    at: datetime,
    source_turn: TurnId | None = None,
    entry_id: UUID | None = None,
    tell: bool = True,
) -> MoodEntry:
    """Store a mood entry of the acting student and tell about it; the same `entry_id` again changes nothing.

    Without `tell` nothing follows from it: for moods of long ago. Raises `InvalidInput`.
    """
    if not 1 <= score <= 10:
        raise InvalidInput("A mood score is a whole number from 1 to 10.")
    if note is not None and len(note) > LONGEST_NOTE:
        raise InvalidInput(f"A note holds at most {LONGEST_NOTE} characters.")
    entry = MoodEntry(entry_id or new_id(), score, chosen(emotions), note or None, at)
    stored = await tx.conn.execute(
        "insert into mood_logs (id, institution_id, student_id, source_turn, score, emotions, note_sealed, logged_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do nothing",
        (
            entry.id,
            tx.who.institution_id,
            require_student(tx),
            source_turn,
            score,
            list(entry.emotions),
            key.seal(entry.note, f"mood_logs.note:{entry.id}") if entry.note else None,
            at,
        ),
    )
    if not stored.rowcount:
        return await read_mood(tx, key, entry.id)
    if tell:
        facts = {"score": score, "in_chat": source_turn is not None}
        await emit(tx, key, EventKind.MOOD_LOGGED, entry.id, at=at, facts=facts)
    return entry


async def read_mood(tx: Tx, key: SubjectKey, entry_id: UUID) -> MoodEntry:
    """Return one entry of the acting student; raises `NotFound`."""
    cursor = await tx.conn.execute(
        f"select {COLUMNS} from mood_logs where student_id = %s and id = %s",  # noqa: S608  # our own columns
        (require_student(tx), entry_id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    return _entry(key, row)


async def mood_history(tx: Tx, key: SubjectKey, *, since: datetime, limit: int = 50) -> list[MoodEntry]:
    """Return the acting student's entries from `since` on, newest first."""
    cursor = await tx.conn.execute(
        f"select {COLUMNS} from mood_logs where student_id = %s and logged_at >= %s"  # noqa: S608  # our own columns
        " order by logged_at desc, id desc limit %s",
        (require_student(tx), since, limit),
    )
    return [_entry(key, row) for row in await cursor.fetchall()]


async def mood_page(
    tx: Tx, key: SubjectKey, *, since: datetime, limit: int, cursor: str | None = None
) -> tuple[list[MoodEntry], str | None]:
    """Return entries from `since` on, newest first, after a cursor, and the cursor of the next page or None.

    Raises `InvalidInput` for a cursor that no page gave.
    """
    at, entry_id = read_cursor(cursor) if cursor else (None, None)
    found = await tx.conn.execute(
        f"select {COLUMNS} from mood_logs where student_id = %s and logged_at >= %s"  # noqa: S608  # our own columns
        " and (%s::timestamptz is null or (logged_at, id) < (%s, %s)) order by logged_at desc, id desc limit %s",
        (require_student(tx), since, at, at, entry_id, limit + 1),
    )
    rows = await found.fetchall()
    entries = [_entry(key, row) for row in rows[:limit]]
    return entries, write_cursor(entries[-1].logged_at, entries[-1].id) if len(rows) > limit else None


async def mood_scores(tx: Tx, *, since: datetime) -> list[tuple[datetime, int]]:
    """Return moments and scores from `since` on, oldest first: what analytics need, without opening a note."""
    cursor = await tx.conn.execute(
        "select logged_at, score from mood_logs where student_id = %s and logged_at >= %s order by logged_at, id",
        (require_student(tx), since),
    )
    return [(at, score) for at, score in await cursor.fetchall()]


def _entry(key: SubjectKey, row: tuple[Any, ...]) -> MoodEntry:
    note = key.open(row[3], f"mood_logs.note:{row[0]}") if row[3] else None
    return MoodEntry(row[0], row[1], tuple(row[2]), note, row[4])


def mood_trend(entries: Sequence[MoodEntry]) -> MoodTrend:
    """Fit a line through the entries (any order); fewer than four give `not_enough`."""
    ordered = sorted(entries, key=lambda entry: entry.logged_at)
    if len(ordered) < LEAST_FOR_TREND:
        mean = sum(e.score for e in ordered) / len(ordered) if ordered else None
        first, latest = (ordered[0], ordered[-1]) if ordered else (None, None)
        return MoodTrend(len(ordered), mean, None, "not_enough", first, latest)
    weeks = np.array([(e.logged_at - ordered[0].logged_at).total_seconds() / 604_800 for e in ordered])
    scores = np.array([e.score for e in ordered], dtype=float)
    spread = float(((weeks - weeks.mean()) ** 2).sum())
    slope = float(((weeks - weeks.mean()) * (scores - scores.mean())).sum() / spread) if spread else 0.0
    direction: Direction = "steady" if abs(slope) < STEADY_PER_WEEK else "up" if slope > 0 else "down"
    return MoodTrend(len(ordered), float(scores.mean()), slope, direction, ordered[0], ordered[-1])
