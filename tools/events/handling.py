"""Acts on a student's events: one after another, each in a transaction that also ticks it off.

So an effect and the mark that it was done commit together: a worker that dies in between leaves the event to the next, and
one that comes twice finds nothing left. An event that fails is tried again before any later one; after several tries it is
set aside, loudly, so that it does not hold up the student's other events for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from core.crypto import Unreadable
from core.errors import CompanionError, NotFound
from core.logs import get_logger
from db.access import Acting, Tx
from tools.care.delivery import WorkerApp
from tools.care.desk import Backoff, Desk
from tools.events.outbox import JOB, Event, EventKind, next_event, rules
from tools.people.keys import student_key

log = get_logger("events.handling")
Reaction = Callable[[Desk, Tx, Event], Awaitable[None]]
Reactions = Mapping[EventKind, Reaction]


class NotHandled(CompanionError):
    """An event could not be acted on; it is tried again later."""

    code = "event_not_handled"


def add_events(app: WorkerApp, reactions: Reactions) -> None:
    """Register the job that acts on a student's events."""

    @app.task(name=JOB, retry=Backoff(2))
    async def _events(institution: str, student: str) -> None:
        await drain(app.desk, app.desk.acting(institution, student), reactions)


async def drain(desk: Desk, who: Acting, reactions: Reactions) -> int:
    """Act on everything that waits for a student, in order; returns how many. Raises `NotHandled` for one that failed."""
    count = 0
    while await _next(desk, who, reactions):
        count += 1
    return count


async def _next(desk: Desk, who: Acting, reactions: Reactions) -> bool:
    """Act on the oldest event; False when there is none. Raises `NotHandled`."""
    try:
        async with desk.db.acting(who) as tx:
            event = await next_event(tx, await student_key(tx))
            if event is None:
                return False
            failure = await _react(desk, tx, event, reactions)
            await _mark(desk, tx, event, failed=failure is not None)
    except NotFound:
        return False  # The student is gone, and their key with them.
    except Unreadable:
        log.error("events_unreadable", student=str(who.student_id))
        raise
    if failure is not None:
        raise NotHandled from failure
    return True


async def _react(desk: Desk, tx: Tx, event: Event, reactions: Reactions) -> Exception | None:
    try:
        async with tx.conn.transaction():
            await reactions[event.kind](desk, tx, event)
    except Exception as error:  # its effects are rolled back; the failure is counted, logged and raised by the caller
        log.error("event_failed", event_kind=event.kind.value, event_id=str(event.id), exc_info=error)
        return error
    return None


async def _mark(desk: Desk, tx: Tx, event: Event, *, failed: bool) -> None:
    tries = rules()["handling"]["tries"]
    cursor = await tx.conn.execute(
        "update student_events set attempts = attempts + 1,"
        " handled_at = case when %s and attempts + 1 < %s then null else %s end, set_aside = %s and attempts + 1 >= %s"
        " where id = %s returning set_aside",
        (failed, tries, desk.clock.now(), failed, tries, event.id),
    )
    row = await cursor.fetchone()
    if row and row[0]:
        log.error("event_set_aside", event_kind=event.kind.value, event_id=str(event.id))
