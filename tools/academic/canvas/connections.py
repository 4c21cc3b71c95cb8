"""A student's connection with Canvas: whether there is one, how it does, when it is looked at next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from core.crypto import SubjectKey
from db.access import Tx
from tools.academic.canvas.client import Token
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.failures import Busy, CanvasFailure, SetUpWrong, SignInAgain
from tools.people.people import require_student

FIELDS = (
    "state, limited, time_zone, planner_etag, planner_from, events_signal, failures, connected_at, seen_at,"
    " asked_at, synced_at, whole_at, profile_at, next_sync_at"
)
ACTIVE = ("current", "limited")


@dataclass(frozen=True, slots=True)
class CanvasConnection:
    """How a connection does. `synced_at` is when everything we show was last known to be so; times are UTC."""

    state: str
    limited: list[str]
    """Parts that Canvas does not let us read."""
    time_zone: str | None
    planner_etag: str | None
    planner_from: date | None
    events_signal: bytes | None
    failures: int
    connected_at: datetime
    seen_at: datetime
    asked_at: datetime | None
    synced_at: datetime | None
    whole_at: datetime | None
    profile_at: datetime | None
    next_sync_at: datetime | None


async def read_connection(tx: Tx) -> CanvasConnection | None:
    """Return the acting student's connection, or None."""
    async with tx.conn.cursor(row_factory=class_row(CanvasConnection)) as cursor:
        await cursor.execute(f"select {FIELDS} from canvas_connections where student_id = %s", (require_student(tx),))  # noqa: S608
        return await cursor.fetchone()


async def begin_connection(tx: Tx, key: SubjectKey, token: Token, *, at: datetime) -> None:
    """Store a new connection. What an earlier one brought is deleted: it may have been of another Canvas account."""
    student = require_student(tx)
    await tx.conn.execute("delete from canvas_connections where student_id = %s", (student,))
    await tx.conn.execute(
        "insert into canvas_connections (student_id, institution_id, connected_at, seen_at, next_sync_at)"
        " values (%s, %s, %s, %s, %s)",
        (student, tx.who.institution_id, at, at, at),
    )
    await tx.conn.execute(
        "insert into canvas_tokens (student_id, institution_id, access_sealed, refresh_sealed, expires_at, version)"
        " values (%s, %s, %s, %s, %s, %s)",
        (student, tx.who.institution_id, *sealed(key, student, token), token.expires_at, token.version),
    )


def sealed(key: SubjectKey, student: UUID, token: Token) -> tuple[bytes, bytes]:
    """A token's two halves as they are stored."""
    return (
        key.seal(token.access, f"canvas_tokens.access:{student}"),
        key.seal(token.refresh, f"canvas_tokens.refresh:{student}"),
    )


async def end_connection(tx: Tx) -> None:
    """Delete the connection, its token and everything it brought."""
    await tx.conn.execute("delete from canvas_connections where student_id = %s", (require_student(tx),))


async def keep_connection(tx: Tx, now: CanvasConnection) -> None:
    """Store how a connection does after a sync; one that was taken away meanwhile stays away."""
    await tx.conn.execute(
        "update canvas_connections set state = %s, limited = %s, time_zone = %s, planner_etag = %s, planner_from = %s,"
        " events_signal = %s, failures = %s, asked_at = %s, synced_at = %s, whole_at = %s, profile_at = %s,"
        " next_sync_at = %s where student_id = %s and connected_at = %s",
        (
            now.state, now.limited, now.time_zone, now.planner_etag, now.planner_from, now.events_signal, now.failures,
            now.asked_at, now.synced_at, now.whole_at, now.profile_at, now.next_sync_at, require_student(tx),
            now.connected_at,
        ),
    )  # fmt: skip


async def last_sign_of_life(tx: Tx, connection: CanvasConnection) -> datetime:
    """When the student was last here: a conversation, or a look at what Canvas says."""
    cursor = await tx.conn.execute(
        "select max(updated_at) from conversations where student_id = %s", (require_student(tx),)
    )
    row = await cursor.fetchone()
    return max(connection.seen_at, row[0]) if row and row[0] else connection.seen_at


async def note_seen(tx: Tx, now: datetime) -> None:
    """Note that the student is here. Whoever slept in the slow tier comes back into the quick one at once."""
    await tx.conn.execute(
        "update canvas_connections set seen_at = %s, next_sync_at = case when state in ('current', 'limited')"
        " then least(next_sync_at, greatest(%s, asked_at + %s)) else next_sync_at end where student_id = %s",
        (now, now, timedelta(minutes=load_figures()["cycle"]["minutes"]), require_student(tx)),
    )


def slot_after(student: UUID, now: datetime, every: timedelta) -> datetime:
    """The student's next turn. Turns are spread evenly over the period by the student's id, and stay where they are."""
    period = every.total_seconds()
    offset = student.int % round(period)
    turns = (now.timestamp() - offset) // period + 1
    return datetime.fromtimestamp(turns * period + offset, tz=now.tzinfo)


def next_turn(student: UUID, now: datetime, last_seen: datetime) -> datetime:
    """When a connection that does well is looked at next; a student who has long not been here can wait."""
    cycle = load_figures()["cycle"]
    dormant = now - last_seen > timedelta(days=cycle["dormant_after_days"])
    return slot_after(
        student, now, timedelta(hours=cycle["dormant_hours"]) if dormant else timedelta(minutes=cycle["minutes"])
    )


def after_failure(
    connection: CanvasConnection, failure: CanvasFailure, student: UUID, now: datetime
) -> CanvasConnection:
    """How a connection stands after a sync that failed: as it was, with what went wrong and when to try again."""
    cycle, failures = load_figures()["cycle"], connection.failures + 1
    longest = timedelta(hours=cycle["backoff_longest_hours"])
    wait = min(timedelta(minutes=cycle["minutes"]) * 2 ** min(failures - 1, 10), longest)
    turn: datetime | None = now + wait
    match failure:
        case SignInAgain():
            turn = None  # Only the student can change it; asking on would be noise at the token endpoint.
        case SetUpWrong():
            turn = now + longest
        case Busy():
            turn = now + timedelta(seconds=max(failure.retry_in, 120.0) + student.int % 180)
    # Without tag and signal the next look cannot take what this one left half read for unchanged.
    return replace(
        connection,
        state=failure.code,
        failures=failures,
        asked_at=now,
        next_sync_at=turn,
        planner_etag=None,
        events_signal=None,
    )
