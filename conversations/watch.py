"""The API's watch over what the worker cannot tell of itself: a dead worker, a database that is down, a spool that stands.

The worker alarms about deliveries; who alarms about the worker is this. Each alarm is told once while it stands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from conversations.spool import Spool
from core.clock import Clock
from core.errors import Unavailable
from core.ids import new_id
from core.logs import get_logger
from db.access import Database
from tools.care.alarm import clear_alarm, raise_alarm
from tools.care.channels import NotSent
from tools.care.operator import Operator
from tools.care.probe import load_probe

log = get_logger("conversations.watch")
LOOK_SECONDS = 15.0
WORKER_SILENT = timedelta(minutes=2)
SPOOL_STANDS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class WatchDesk:
    """What the watch looks at and whom it tells."""

    db: Database
    clock: Clock
    operator: Operator
    spool: Spool


class Watch:
    """What a process saw when it last looked."""

    def __init__(self, desk: WatchDesk) -> None:
        self._desk, self._since = desk, desk.clock.now()
        self._down_since: datetime | None = None
        self._told_down = False

    async def look(self) -> None:
        """Look once, and tell the operator what is wrong; to be done every `LOOK_SECONDS`."""
        try:
            await self._look_with_database()
        except Unavailable:
            await self._tell_that_it_is_down()
        else:
            self._down_since, self._told_down = None, False

    async def _look_with_database(self) -> None:
        desk, now = self._desk, self._desk.clock.now()
        async with desk.db.connection() as conn:
            row = await (await conn.execute("select at from heartbeats where part = 'worker'")).fetchone()
        alive_at = row[0] if row else self._since
        await self._stands("worker_silent", now - max(alive_at, self._since) > WORKER_SILENT)
        patience = timedelta(minutes=2 * load_probe()["every_minutes"], seconds=load_probe()["deadline_seconds"])
        async with desk.db.connection() as conn:
            missing = await (
                await conn.execute("select institution_id from campuses_without_probe(%s)", (now - patience,))
            ).fetchall()
        await self._stands("probe_missing", bool(missing) and now - self._since > patience, count=len(missing))
        waiting = await asyncio.to_thread(desk.spool.waiting)
        old = [ticket for ticket in waiting if now - ticket.at > SPOOL_STANDS]
        await self._stands("spool_stands", bool(old) and self._down_since is None, count=len(waiting))

    async def _stands(self, kind: str, wrong: bool, **facts: int) -> None:
        if wrong:
            await raise_alarm(self._desk, kind, None, **facts)
        else:
            await clear_alarm(self._desk, kind, None)

    async def _tell_that_it_is_down(self) -> None:
        """Tell directly, since the alarm cannot be stored; at the second look, so that a restart is no alarm."""
        desk, now = self._desk, self._desk.clock.now()
        if self._down_since is None:
            self._down_since = now
            return
        if self._told_down:
            return
        kept = len(await asyncio.to_thread(desk.spool.waiting))
        try:
            await desk.operator.tell(new_id(), None, "database", {"count": kept})
        except NotSent as error:
            log.error("alarm_not_told", state="database", error=error.code)
            return
        self._told_down = True
