"""Finds what happens by time alone: work that became overdue, less of it done than before; and forgets what is old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from core.crypto import SubjectKey
from core.ids import InstitutionId, StudentId
from core.logs import get_logger
from db.access import Acting, Role, Tx
from tools.care.cases import SERVICE
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk
from tools.events.outbox import EventKind, emit, rules
from tools.people.keys import student_key
from tools.people.people import require_student

log = get_logger("events.sweeps")
OVERDUE_FOR = timedelta(days=3)
"""What became overdue earlier was told then; a worker that was down for so long has missed nothing."""
Look = Callable[[Tx, SubjectKey, datetime], Awaitable[int]]


def add_sweeps(app: WorkerApp) -> None:
    """Register them."""

    @app.periodic(cron="7 * * * *")
    @app.task(name="overdue", queueing_lock="overdue", lock="overdue")
    async def _overdue(timestamp: int) -> None:
        await sweep_overdue(app.desk)

    @app.periodic(cron="23 11 * * *")
    @app.task(name="completion", queueing_lock="completion", lock="completion")
    async def _completion(timestamp: int) -> None:
        await sweep_completion(app.desk)

    @app.periodic(cron="41 4 * * *")
    @app.task(name="retention", queueing_lock="retention", lock="retention")
    async def _retention(timestamp: int) -> None:
        await forget_old(app.desk)


async def sweep_overdue(desk: Desk) -> int:
    """Tell about work that became overdue; returns how many pieces were new."""
    now = desk.clock.now()
    return await _each(desk, "students_with_overdue", now - OVERDUE_FOR, now, tell_overdue)


async def sweep_completion(desk: Desk) -> int:
    """Tell about students who lately finish a smaller share of their work; returns how many were new."""
    now, figures = desk.clock.now(), rules()["tasks"]
    since = now - timedelta(days=figures["recent_days"] + figures["earlier_days"])
    return await _each(desk, "students_with_tasks", since, now, tell_pattern)


async def tell_overdue(tx: Tx, key: SubjectKey, now: datetime) -> int:
    """Tell about the acting student's overdue tasks, each once; returns how many were new."""
    cursor = await tx.conn.execute(
        "select id, due_at from tasks where student_id = %s and completed_at is null and due_at > %s and due_at <= %s"
        " order by due_at, id",
        (require_student(tx), now - OVERDUE_FOR, now),
    )
    return sum(
        [
            await emit(tx, key, EventKind.ASSIGNMENT_OVERDUE, task, at=now, facts={"due": due.isoformat()})
            for task, due in await cursor.fetchall()
        ]
    )


async def tell_pattern(tx: Tx, key: SubjectKey, now: datetime) -> int:
    """Tell, once a week, that the acting student finishes a clearly smaller share of work than before."""
    found = await completion(tx, now)
    if found is None or found["earlier"] - found["recent"] < rules()["tasks"]["fell_by"]:
        return 0
    year, week, _ = now.isocalendar()
    return int(await emit(tx, key, EventKind.TASK_COMPLETION_PATTERN, f"{year}-W{week:02}", at=now, facts=found))


async def completion(tx: Tx, now: datetime) -> dict[str, Any] | None:
    """Shares of the acting student's tasks that were done by their due date, lately and before; None for too few."""
    figures = rules()["tasks"]
    recent = now - timedelta(days=figures["recent_days"])
    cursor = await tx.conn.execute(
        "select due_at >= %s, count(*), count(*) filter (where completed_at <= due_at) from tasks"
        " where student_id = %s and due_at > %s and due_at <= %s group by 1",
        (recent, require_student(tx), recent - timedelta(days=figures["earlier_days"]), now),
    )
    shares = {late: (n, done / n) for late, n, done in await cursor.fetchall()}
    if len(shares) < 2 or min(n for n, _ in shares.values()) < figures["least"]:
        return None
    return {"recent": shares[True][1], "earlier": shares[False][1], "n": shares[True][0]}


async def forget_old(desk: Desk) -> int:
    """Forget events that were acted on long ago; returns how many."""
    before = desk.clock.now() - timedelta(days=rules()["retention"]["event_days"])
    async with desk.db.connection() as conn:
        row = await (await conn.execute("select forget_events(%s)", (before,))).fetchone()
    count = int(row[0]) if row else 0
    log.info("events_forgotten", count=count)
    return count


async def _each(desk: Desk, function: str, since: datetime, now: datetime, look: Look) -> int:
    async with desk.db.connection() as conn:
        cursor = await conn.execute(f"select * from {function}(%s, %s)", (since, now))  # noqa: S608  # our own functions
        students = await cursor.fetchall()
    told = 0
    for student, institution in students:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(student))
        try:
            async with desk.db.acting(who) as tx:
                told += await look(tx, await student_key(tx), now)
        except Exception as error:  # one student's data must not hide what happened to others
            log.error("sweep_failed", student=str(student), exc_info=error)
    return told
