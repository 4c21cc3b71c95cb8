"""One look at Canvas for one student: cheap questions first, whole courses only where something changed.

What was read is stored as it comes, course by course, so that a failure on the way leaves each part whole, and what
could not be read as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from core.crypto import SubjectKey
from core.logs import get_logger
from db.access import Acting
from tools.academic.canvas import mirror, signals
from tools.academic.canvas.client import CanvasClient, Listed
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.connections import (
    CanvasConnection,
    after_failure,
    keep_connection,
    last_sign_of_life,
    next_turn,
    read_connection,
)
from tools.academic.canvas.desk import CanvasDesk
from tools.academic.canvas.failures import CanvasFailure, Disconnected, Incomplete, NotPermitted, Refused
from tools.academic.canvas.models import Announcement, Course, Event, Note, Profile, Work
from tools.academic.canvas.whole_course import parse, read_course
from tools.people.keys import student_key
from tools.people.people import require_student

log = get_logger("canvas.sync")
Got = TypeVar("Got")


@dataclass(slots=True)
class Look:
    """One look at Canvas in progress."""

    desk: CanvasDesk
    who: Acting
    client: CanvasClient
    key: SubjectKey
    connection: CanvasConnection
    now: datetime
    courses: list[Course] = field(default_factory=list)
    limited: set[str] = field(default_factory=set)
    failure: CanvasFailure | None = None
    """The first part that came incomplete; the other parts are read all the same."""

    @property
    def start(self) -> date:
        return (self.now - timedelta(days=load_figures()["cycle"]["past_days"])).date()

    @property
    def end(self) -> date:
        return (self.now + timedelta(days=load_figures()["cycle"]["future_days"])).date()

    @property
    def readable(self) -> list[Course]:
        return [course for course in self.courses if not course.access_restricted_by_date]

    def due(self, last: datetime | None, figure: str) -> bool:
        """Whether something that is done every so many hours is due."""
        return last is None or self.now - last >= timedelta(hours=load_figures()["cycle"][figure])


async def sync(desk: CanvasDesk, who: Acting) -> str | None:
    """Look at Canvas for a student and store what came; returns the state of the connection, None without one.

    A failure of Canvas becomes a state; it never leaves this function.
    """
    async with desk.db.acting(who) as tx:
        connection, key = await read_connection(tx), await student_key(tx)
        student = require_student(tx)
    if connection is None:
        return None
    look = Look(desk, who, desk.client(who), key, connection, desk.clock.now())
    try:
        found = await _look(look)
        if look.failure:
            raise look.failure
    except Disconnected:
        return None
    except CanvasFailure as failure:
        log.warning("canvas_sync_failed", student=str(student), state=failure.code, error=type(failure).__name__)
        found = after_failure(replace(connection, limited=sorted(look.limited)), failure, student, look.now)
    async with desk.db.acting(who) as tx:
        if found.failures == 0:
            found = replace(found, next_sync_at=next_turn(student, look.now, await last_sign_of_life(tx, connection)))
        await keep_connection(tx, found)
    return found.state


async def _look(look: Look) -> CanvasConnection:
    connection = look.connection
    zone = connection.time_zone
    zone_is_due = look.due(connection.profile_at, "profile_hours")
    if zone_is_due:
        profile = await _part(look, "profile", look.client.one("users/self/profile"))
        zone = parse(Profile, [profile])[0].time_zone if profile else zone
    await _read_courses(look)
    listed = await _planner(look)
    missing = await _missing(look)
    changed, whole = await _changed_courses(look, listed, missing), look.due(connection.whole_at, "whole_hours")
    for course, signal in changed:
        await _read_whole(look, course, signal)
    events = (
        signals.events_signal(look.key, listed.rows) if listed and not listed.unchanged else connection.events_signal
    )
    if whole or events != connection.events_signal:
        await _read_events(look)
    await _read_announcements(look)
    clean = look.failure is None
    return replace(
        connection,
        state="limited" if look.limited else "current",
        limited=sorted(look.limited),
        time_zone=zone,
        # Kept only when all that it stands for was read: what changed and was not read must show as changed again.
        planner_etag=listed.etag if listed and clean else None,
        planner_from=look.start,
        events_signal=events if clean else None,
        failures=0,
        asked_at=look.now,
        synced_at=look.now,
        whole_at=look.now if whole else connection.whole_at,
        profile_at=look.now if zone_is_due else connection.profile_at,
    )


async def _part(look: Look, name: str, asked: Awaitable[Got]) -> Got | None:
    """Wait for one part of the look; None when Canvas does not let us read it, or when it came incomplete."""
    try:
        return await asked
    except (NotPermitted, Refused):
        look.limited.add(name)
    except Incomplete as failure:
        look.failure = look.failure or failure
    return None


async def _read_courses(look: Look) -> None:
    """Read the list of courses. Those that are gone go with all that belongs to them."""
    params = [("enrollment_state", "active"), ("enrollment_type", "student")]
    params += [("include[]", name) for name in ("term", "total_scores", "concluded")]
    found = {course.id: course for course in parse(Course, await look.client.rows("courses", params))}
    async with look.desk.db.acting(look.who) as tx:
        shares = {course.id: course.shares for course in await mirror.read(tx, look.key, Course)}
        look.courses = [course.model_copy(update={"shares": shares.get(course.id, ())}) for course in found.values()]
        await mirror.replace(tx, look.key, Course, look.courses)
        await mirror.forget_other_courses(tx, list(found))


async def _planner(look: Look) -> Listed | None:
    """Read the planner: notes are kept, the rest tells what changed. Yesterday's tag is for yesterday's days."""
    params = [("start_date", look.start.isoformat()), ("end_date", look.end.isoformat())]
    etag = look.connection.planner_etag if look.connection.planner_from == look.start else None
    listed = await _part(look, "planner", look.client.listed("planner/items", params, etag))
    if listed and not listed.unchanged:
        rows = [row.get("plannable") or {} for row in listed.rows if row.get("plannable_type") == "planner_note"]
        async with look.desk.db.acting(look.who) as tx:
            await mirror.replace(tx, look.key, Note, parse(Note, rows))
    return listed


async def _missing(look: Look) -> dict[str, list[str]]:
    """What Canvas lists as missing, by course: older work too, which the planner no longer shows."""
    rows = await _part(look, "missing_work", look.client.rows("users/self/missing_submissions"))
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows or ():
        found[str(row.get("course_id"))].append(str(row.get("id")))
    return found


async def _changed_courses(
    look: Look, listed: Listed | None, missing: dict[str, list[str]]
) -> list[tuple[Course, bytes]]:
    """The courses to read again, with what each looks like from outside now."""
    async with look.desk.db.acting(look.who) as tx:
        known = await mirror.read_signals(tx)
    planner = None if listed is None or listed.unchanged else signals.planner_signals(look.key, listed.rows)
    every = listed is None or look.due(look.connection.whole_at, "whole_hours")
    changed = []
    for course in look.readable:
        before = known.get(course.id, b"")
        signal = signals.course_signal(look.key, course, missing, planner, before)
        if every or signal != before:
            changed.append((course, signal))
    return changed


async def _read_whole(look: Look, course: Course, signal: bytes) -> None:
    """Read a course again and store it; one that closed since it was listed is left as it was."""
    try:
        whole = await read_course(look.client, course)
    except Refused:
        return
    except NotPermitted:
        look.limited.add("work")
        return
    except Incomplete as failure:
        look.failure = look.failure or failure
        return
    look.courses = [whole.course if one.id == course.id else one for one in look.courses]
    async with look.desk.db.acting(look.who) as tx:
        await mirror.replace(tx, look.key, Course, [whole.course], course.id)
        await mirror.replace(tx, look.key, Work, whole.work, course.id)
        await mirror.keep_signal(tx, course.id, signal)


async def _read_events(look: Look) -> None:
    """Read the calendar of the courses and the student's own, a few contexts at a time."""
    span = [("start_date", look.start.isoformat()), ("end_date", look.end.isoformat())]
    found: list[Event] = []
    own = await _part(look, "calendar", look.client.rows("calendar_events", span))
    if own is None:
        return
    found += parse(Event, own)
    for contexts in _contexts(look.readable):
        rows = await _part(look, "calendar", _by_context(look.client, "calendar_events", span, contexts))
        if rows is None:
            return
        found += parse(Event, rows)
    kept = {event.id: event for event in found if not event.hidden and event.workflow_state != "deleted"}
    async with look.desk.db.acting(look.who) as tx:
        await mirror.replace(tx, look.key, Event, list(kept.values()))


async def _read_announcements(look: Look) -> None:
    span = [("start_date", look.start.isoformat()), ("end_date", (look.now + timedelta(days=1)).date().isoformat())]
    found: dict[str, Announcement] = {}
    for contexts in _contexts(look.readable):
        rows = await _part(look, "announcements", _by_context(look.client, "announcements", span, contexts))
        if rows is None:
            return
        found |= {one.id: one for one in parse(Announcement, rows)}
    async with look.desk.db.acting(look.who) as tx:
        await mirror.replace(tx, look.key, Announcement, list(found.values()))


def _contexts(courses: Sequence[Course]) -> Iterator[list[str]]:
    """Context codes, as many at a time as Canvas reads; more would also crowd the way to the next page out."""
    size = load_figures()["cycle"]["contexts_at_once"]
    for first in range(0, len(courses), size):
        yield [f"course_{course.id}" for course in courses[first : first + size]]


async def _by_context(
    client: CanvasClient, path: str, span: list[tuple[str, str]], contexts: list[str]
) -> list[dict[str, object]]:
    """Ask for several courses at once; where one of them spoils the answer, for each alone, without that one."""
    try:
        return await client.rows(path, [*span, *(("context_codes[]", code) for code in contexts)])
    except Refused:
        if len(contexts) == 1:
            return []
    found: list[dict[str, object]] = []
    for code in contexts:
        found += await _by_context(client, path, span, [code])
    return found
