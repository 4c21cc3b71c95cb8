"""The mirror of what a student sees in Canvas: sealed row by row; what a whole list no longer holds is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel

from core.crypto import SubjectKey
from db.access import Tx
from tools.academic.canvas.models import Announcement, Course, Event, Note, Work
from tools.people.people import require_student

Kind = Literal["course", "work", "event", "note", "announcement"]
KINDS: dict[type[BaseModel], Kind] = {
    Course: "course", Work: "work", Event: "event", Note: "note", Announcement: "announcement",
}  # fmt: skip
Kept = TypeVar("Kept", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stands in the mirror."""

    id: str
    course_id: str | None
    at: datetime | None


def place_of(thing: BaseModel) -> Place:
    """The id, the course and the moment of a thing."""
    match thing:
        case Course():
            return Place(thing.id, thing.id, None)
        case Work():
            return Place(thing.id, thing.course_id, thing.due)
        case Event():
            return Place(thing.id, thing.course_id, thing.start_at)
        case Note():
            return Place(thing.id, thing.course_id, thing.todo_date)
        case Announcement():
            return Place(thing.id, thing.course_id, thing.posted_at)
        case _:
            raise TypeError(type(thing).__name__)


async def replace(
    tx: Tx, key: SubjectKey, model: type[Kept], things: Sequence[Kept], course_id: str | None = None
) -> int:
    """Make the mirror hold exactly these of a kind, or of a kind in one course; returns how many rows changed.

    `things` must be a whole list: what is absent is deleted.
    """
    kind, student = KINDS[model], require_student(tx)
    cursor = await tx.conn.execute(
        "select id, digest from canvas_mirror where student_id = %s and kind = %s and (%s::text is null or course_id = %s)",
        (student, kind, course_id, course_id),
    )
    before = {row[0]: bytes(row[1]) for row in await cursor.fetchall()}
    changed = []
    for thing in things:
        place, text = place_of(thing), thing.model_dump_json()
        digest = key.digest(text)
        if before.pop(place.id, None) != digest:
            sealed = key.seal(text, f"canvas_mirror:{student}:{kind}:{place.id}")
            changed.append((student, tx.who.institution_id, kind, place.id, place.course_id, place.at, digest, sealed))
    if changed:
        await tx.conn.cursor().executemany(
            "insert into canvas_mirror (student_id, institution_id, kind, id, course_id, at, digest, detail_sealed)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (student_id, kind, id) do update set"
            " course_id = excluded.course_id, at = excluded.at, digest = excluded.digest,"
            " detail_sealed = excluded.detail_sealed",
            changed,
        )
    if before:
        await tx.conn.execute(
            "delete from canvas_mirror where student_id = %s and kind = %s and id = any(%s)",
            (student, kind, list(before)),
        )
    return len(changed) + len(before)


async def forget_other_courses(tx: Tx, kept: Sequence[str]) -> None:
    """Delete what belonged to courses that the student no longer has."""
    await tx.conn.execute(
        "delete from canvas_mirror where student_id = %s and course_id is not null and course_id <> all(%s)",
        (require_student(tx), list(kept)),
    )


async def read(
    tx: Tx, key: SubjectKey, model: type[Kept], *, since: datetime | None = None, until: datetime | None = None
) -> list[Kept]:
    """Return the acting student's things of a kind by their moment, undated ones last; with limits only dated ones."""
    kind, student = KINDS[model], require_student(tx)
    cursor = await tx.conn.execute(
        "select id, detail_sealed from canvas_mirror where student_id = %s and kind = %s"
        " and (%s::timestamptz is null or at >= %s) and (%s::timestamptz is null or at <= %s)"
        " order by at nulls last, id",
        (student, kind, since, since, until, until),
    )
    return [
        model.model_validate_json(key.open(sealed, f"canvas_mirror:{student}:{kind}:{own}"))
        for own, sealed in await cursor.fetchall()
    ]


async def read_signals(tx: Tx) -> dict[str, bytes]:
    """What each course looked like from outside when its work was last read."""
    cursor = await tx.conn.execute(
        "select id, signal from canvas_mirror where student_id = %s and kind = 'course' and signal is not null",
        (require_student(tx),),
    )
    return {row[0]: bytes(row[1]) for row in await cursor.fetchall()}


async def keep_signal(tx: Tx, course_id: str, signal: bytes) -> None:
    """Note what a course looks like from outside now that its work was read."""
    await tx.conn.execute(
        "update canvas_mirror set signal = %s where student_id = %s and kind = 'course' and id = %s",
        (signal, require_student(tx), course_id),
    )
