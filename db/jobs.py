"""The outbox: jobs in the same PostgreSQL, deferred in the transaction of what they are about.

Arguments are ids only. Events run in order per student; deliveries of a case never wait for one another.
"""

from __future__ import annotations

from functools import cache
from uuid import UUID

from procrastinate import App, PsycopgConnector

from db.access import Tx

BEHIND = -10
"""Priority of what can wait; deliveries and the clock of conversations have 0."""


def job_app(dsn: str) -> App:
    """Return the procrastinate app over a login role; tasks are added as blueprints by the worker."""
    return App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=4))


async def defer(app: App, tx: Tx, task: str, *, lock: str | None = None, priority: int = 0, **ids: UUID) -> None:
    """Put a job in the queue as part of the open transaction: both commit or neither does.

    Jobs with the same `lock` run one after the other; one with a lower `priority` waits for those with a higher.
    """
    student = str(tx.who.student_id) if tx.who.student_id else None
    configured = app.configure_task(task, lock=lock, priority=priority, connection=tx.conn)
    await configured.defer_async(
        institution=str(tx.who.institution_id), student=student, **{name: str(value) for name, value in ids.items()}
    )


async def put(tx: Tx, task: str, *, lock: str | None = None, priority: int = 0, **ids: UUID) -> None:
    """As `defer`, for code that has no queue at hand: a job needs nothing but the open transaction's connection."""
    student = str(tx.who.student_id) if tx.who.student_id else None
    configured = _unopened().configure_task(task, lock=lock, priority=priority, connection=tx.conn)
    await configured.defer_async(
        institution=str(tx.who.institution_id), student=student, **{name: str(value) for name, value in ids.items()}
    )


@cache
def _unopened() -> App:
    """A queue that is never opened: its jobs go in over connections of others."""
    return App(connector=PsycopgConnector())
