"""Moods: log, read back, and what they show.

A note is heard before anything is checked or stored, so that no mistake in the rest keeps a crisis from people.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from api.parts import Parts
from api.routes.answered import AnsweredOut, answered_out
from conversations.beside import Answered
from core.errors import InvalidInput, Unavailable
from core.ids import new_id
from db.access import Acting, Tx
from tools.events.outbox import EventKind, emit
from tools.people.keys import student_key
from tools.people.people import own_zone
from tools.wellness.analytics import MoodAnalytics, figures
from tools.wellness.emotions import emotions
from tools.wellness.mood import MoodEntry, log_mood, mood_history, mood_page
from tools.wellness.reading import mood_analytics

router = APIRouter(prefix="/api/v1", tags=["wellness"])
KEPT = 202
OLDEST = timedelta(days=7)
"""An app that was offline may bring entries so late."""
AHEAD = timedelta(minutes=5)
"""A phone's clock may be so fast."""
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)]


class Feeling(BaseModel):
    """What stands beside a score."""

    emotions: list[str] = Field([], description="Of `GET wellness/emotions`")
    note: str | None = Field(None, description="Up to 4000 characters; kept encrypted, heard like a message")
    logged_at: datetime | None = Field(None, description="When it was, up to a week back; now if left out")


class MoodIn(Feeling):
    """A mood from 1 (very low) to 10 (very good)."""

    score: int = Field(description="1 to 10", json_schema_extra={"minimum": 1, "maximum": 10})


class ShiftIn(Feeling):
    """The mood has changed; `note` may say what came between."""

    to_score: int = Field(description="1 to 10", json_schema_extra={"minimum": 1, "maximum": 10})
    from_score: int | None = Field(None, description="1 to 10; the latest entry of the last 24 hours if left out")


class MoodOut(BaseModel):
    """One stored mood."""

    id: UUID
    score: int
    emotions: list[str]
    note: str | None
    logged_at: datetime


class MoodLogged(BaseModel):
    """What was stored, and what the script says if the note was no ordinary one."""

    mood: MoodOut | None = Field(description="null: the database is down, and only the note was taken in")
    crisis: AnsweredOut | None


class ShiftLogged(MoodLogged):
    """A change from one score to another."""

    from_score: int | None = Field(description="null: nothing to compare with")
    change: int | None


class Today(BaseModel):
    """The moods of the student's own day, newest first."""

    day: date
    time_zone: str
    items: list[MoodOut]
    mean: float | None
    as_of: datetime


class MoodHistory(BaseModel):
    """Moods, newest first, a page at a time."""

    items: list[MoodOut]
    next_cursor: str | None


class EmotionOut(BaseModel):
    """A feeling that can be named."""

    id: str
    label: str
    pleasant: bool
    lively: bool


@router.get("/wellness/emotions")
async def named_emotions(who: StudentDep) -> list[EmotionOut]:
    """The feelings that an entry may name."""
    return [EmotionOut.model_validate(emotion, from_attributes=True) for emotion in emotions().values()]


@router.post("/wellness/mood", status_code=201)
async def add_mood(body: MoodIn, who: StudentDep, parts: PartsDep, response: Response, key: Key = None) -> MoodLogged:
    """Log a mood. The same `Idempotency-Key` again stores nothing twice."""
    entry, answered = await note_and_log(parts, who, body, key or str(new_id()))
    if entry is None:
        response.status_code = KEPT
    return MoodLogged(mood=_out(entry) if entry else None, crisis=answered_out(answered))


@router.post("/mood/shift", status_code=201)
async def mood_shift(
    body: ShiftIn, who: StudentDep, parts: PartsDep, response: Response, key: Key = None
) -> ShiftLogged:
    """Log that the mood has changed, from an earlier score to this one."""
    key = key or str(new_id())
    answered = await parts.beside.hear(who, body.note or "", key=f"shift:{key}")
    if body.from_score is not None and not 1 <= body.from_score <= 10:
        raise InvalidInput("A mood score is a whole number from 1 to 10.")
    try:
        async with parts.db.acting(who) as tx:
            now = parts.clock.now()
            latest = await mood_history(tx, await student_key(tx), since=now - timedelta(days=1), limit=1)
            before = body.from_score or (latest[0].score if latest else None)
            entry = await _log(tx, parts, body, body.to_score, f"shift:{key}")
            await tell_shift(tx, entry, before)
    except Unavailable:
        if answered is None:
            raise
        response.status_code = KEPT
        return ShiftLogged(mood=None, crisis=answered_out(answered), from_score=body.from_score, change=None)
    change = entry.score - before if before is not None else None
    return ShiftLogged(mood=_out(entry), crisis=answered_out(answered), from_score=before, change=change)


@router.get("/wellness/mood/today")
async def today(who: StudentDep, parts: PartsDep) -> Today:
    """The moods of today, in the student's own time zone."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        zone = await own_zone(tx)
        begins = datetime.combine(now.astimezone(zone).date(), datetime.min.time(), zone)
        entries = await mood_history(tx, await student_key(tx), since=begins.astimezone(UTC), limit=100)
    mean = sum(entry.score for entry in entries) / len(entries) if entries else None
    return Today(day=begins.date(), time_zone=zone.key, items=[_out(entry) for entry in entries], mean=mean, as_of=now)


@router.get("/wellness/mood/history")
async def moods(
    who: StudentDep,
    parts: PartsDep,
    days: Annotated[int, Query(ge=1, le=3660)] = 30,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> MoodHistory:
    """Moods of the last days, newest first. `next_cursor` leads to the next page."""
    since = parts.clock.now() - timedelta(days=days)
    async with parts.db.acting(who) as tx:
        entries, next_cursor = await mood_page(tx, await student_key(tx), since=since, limit=limit, cursor=cursor)
    return MoodHistory(items=[_out(entry) for entry in entries], next_cursor=next_cursor)


@router.get("/wellness/mood/analytics")
async def analytics(
    who: StudentDep, parts: PartsDep, days: Annotated[int | None, Query(ge=7, le=366)] = None
) -> MoodAnalytics:
    """What the moods of the last days show: each figure with its uncertainty, its n and a sentence. Never a diagnosis."""
    async with parts.db.acting(who) as tx:
        zone = await own_zone(tx)
        return await mood_analytics(tx, days=days or figures()["window"]["days"], now=parts.clock.now(), zone=zone)


async def note_and_log(parts: Parts, who: Acting, body: MoodIn, key: str) -> tuple[MoodEntry | None, Answered | None]:
    """Hear the note, then log the mood; None for the mood when the database took only the note of the two.

    Raises `InvalidInput`, and `Unavailable` when the note said nothing urgent.
    """
    answered = await parts.beside.hear(who, body.note or "", key=f"mood:{key}")
    try:
        async with parts.db.acting(who) as tx:
            return await _log(tx, parts, body, body.score, key), answered
    except Unavailable:
        if answered is None:
            raise
        return None, answered


async def _log(tx: Tx, parts: Parts, body: Feeling, score: int, key: str) -> MoodEntry:
    now = parts.clock.now()
    at = _moment(body.logged_at, now)
    entry_id = uuid5(tx.who.account_id, f"mood:{key}")
    return await log_mood(
        tx, await student_key(tx), score=score, emotions=body.emotions, note=body.note, at=at, entry_id=entry_id
    )


async def tell_shift(tx: Tx, entry: MoodEntry, before: int | None) -> None:
    """Tell about a change that the student reports, however small: they called it one."""
    if before is not None:
        facts = {"from": before, "to": entry.score}
        await emit(tx, await student_key(tx), EventKind.MOOD_SHIFT, entry.id, at=entry.logged_at, facts=facts)


def _moment(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if at.tzinfo is None or not now - OLDEST <= at <= now + AHEAD:
        raise InvalidInput("An entry can be up to a week old, with its time zone.")
    return min(at, now).astimezone(UTC)


def _out(entry: MoodEntry) -> MoodOut:
    return MoodOut.model_validate(entry, from_attributes=True)
