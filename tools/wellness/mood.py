"""Mood: log it, read it back, say which way it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np

from core.crypto import SubjectKey
from core.errors import InvalidInput
from core.ids import TurnId, new_id
from db.access import Tx
from tools.people.people import require_student

EMOTIONS = (
    "angry", "anxious", "ashamed", "bored", "calm", "confused", "content", "down", "excited", "frustrated", "grateful",
    "guilty", "happy", "hopeful", "hurt", "jealous", "lonely", "numb", "overwhelmed", "proud", "relieved", "stressed",
    "tired",
)  # fmt: skip
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
) -> MoodEntry:
    """Store a mood entry of the acting student; raises `InvalidInput`."""
    if not 1 <= score <= 10:
        raise InvalidInput("A mood score is a whole number from 1 to 10.")
    unknown = sorted(set(emotions) - set(EMOTIONS))
    if unknown:
        raise InvalidInput(f"Unknown emotions. Choose from: {', '.join(EMOTIONS)}.")
    if note is not None and len(note) > LONGEST_NOTE:
        raise InvalidInput(f"A note holds at most {LONGEST_NOTE} characters.")
    entry = MoodEntry(new_id(), score, tuple(dict.fromkeys(emotions)), note or None, at)
    await tx.conn.execute(
        "insert into mood_logs (id, institution_id, student_id, source_turn, score, emotions, note_sealed, logged_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
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
    return entry


async def mood_history(tx: Tx, key: SubjectKey, *, since: datetime, limit: int = 50) -> list[MoodEntry]:
    """Return the acting student's entries from `since` on, newest first."""
    cursor = await tx.conn.execute(
        "select id, score, emotions, note_sealed, logged_at from mood_logs"
        " where student_id = %s and logged_at >= %s order by logged_at desc, id desc limit %s",
        (require_student(tx), since, limit),
    )
    return [
        MoodEntry(
            row[0], row[1], tuple(row[2]), key.open(row[3], f"mood_logs.note:{row[0]}") if row[3] else None, row[4]
        )
        for row in await cursor.fetchall()
    ]


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
