"""Reads what is known of a student's studies: the mirror of Canvas where they agreed to it, and their own tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.crypto import SubjectKey
from db.access import Tx
from tools.academic.canvas import mirror
from tools.academic.canvas.connections import note_seen, read_connection
from tools.academic.canvas.models import Course, Event, Work
from tools.academic.canvas.times import local_text, zone_of_student
from tools.academic.effort import pace_of
from tools.academic.freetime import Span
from tools.academic.items import Academic, Item
from tools.academic.tasks import tasks_for_analysis
from tools.academic.words import words
from tools.people.consent import ConsentKind, has_consented
from tools.people.people import require_student

HISTORY = timedelta(days=120)
MOST_TASKS = 500
SEEN = timedelta(hours=1)
"""Looks at one's work count as a sign of life, and are written down no more often than this."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a student's studies may be read for a purpose; a student's own pages read all of it."""

    canvas: bool = True
    tasks: bool = True


EVERYTHING = Scope()


async def read_academic(tx: Tx, key: SubjectKey, now: datetime, scope: Scope = EVERYTHING) -> Academic:
    """What is known of the acting student's studies at a moment."""
    tasks = await tasks_for_analysis(tx, key, since=now - HISTORY, limit=MOST_TASKS) if scope.tasks else []
    agreed = await has_consented(tx, require_student(tx), ConsentKind.CANVAS)
    connection = await read_connection(tx) if agreed and scope.canvas else None
    zone = await zone_of_student(tx, connection.time_zone if connection else None)
    if connection is None:
        state = "not_connected" if scope.canvas else "not_allowed"
        return Academic(now, zone, {}, [], tasks, pace_of(tasks), state, None)
    if now - connection.seen_at > SEEN:
        await note_seen(tx, now)
    courses = {course.id: course for course in await mirror.read(tx, key, Course)}
    work = await mirror.read(tx, key, Work)
    return Academic(now, zone, courses, work, tasks, pace_of(tasks), connection.state, connection.synced_at)


async def read_busy(tx: Tx, key: SubjectKey, now: datetime, days: int) -> list[Span]:
    """When the student's Canvas calendar says that they are taken; whole days are not, since they mostly name a date."""
    events = await mirror.read(tx, key, Event, since=now - timedelta(days=1), until=now + timedelta(days=days + 1))
    return [
        (event.start_at, event.end_at)
        for event in events
        if event.start_at and event.end_at and event.start_at < event.end_at and not event.all_day
    ]


async def due_in_canvas(tx: Tx, key: SubjectKey, now: datetime, *, days: int) -> tuple[list[Item], str]:
    """Open work in Canvas due within the next days, and how old that is; nothing where the student did not agree.

    Reads only what is dated in that span: shares of the grade are not worked out.
    """
    if not await has_consented(tx, require_student(tx), ConsentKind.CANVAS):
        return [], ""
    connection = await read_connection(tx)
    if connection is None:
        return [], ""
    zone = await zone_of_student(tx, connection.time_zone)
    courses = {course.id: course for course in await mirror.read(tx, key, Course)}
    work = await mirror.read(tx, key, Work, since=now, until=now + timedelta(days=days))
    known = Academic(now, zone, courses, work, (), pace_of(()), connection.state, connection.synced_at)
    return [item for item in known.items if item.open], as_of(known)


def as_of(known: Academic) -> str:
    """How old what came from Canvas is, in the student's own time; that there is nothing from it, where that is so."""
    said = words()["canvas"]
    if known.synced_at is None:
        return str(said.get(known.canvas_state, said["none"]))
    return str(said["as_of"].format(when=local_text(known.synced_at, known.zone, known.now)))
