"""Rings the consoles: one listening connection a process, fanned out to the open consoles of each institution.

A ring says only that something changed; the console then reads the queue with its own rights. A ring may be lost while
the connection is being made again, so every listener is rung once it stands: nothing is missed for longer than that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from core.ids import InstitutionId
from core.logs import get_logger

log = get_logger("care.bell")
CHANNEL = "care"
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 10.0


class Bell:
    """Listens on the database's channel as long as it is open."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._listeners: defaultdict[InstitutionId, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()
        """Set while the connection stands."""

    def open(self) -> None:
        """Begin to listen, now and after every loss of the connection."""
        self._task = asyncio.create_task(self._listen_always(), name="care bell")

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def console(self, institution: InstitutionId) -> AsyncIterator[asyncio.Event]:
        """Lend an event that is set whenever something of the institution changed; whoever waits clears it."""
        event = asyncio.Event()
        self._listeners[institution].add(event)
        try:
            yield event
        finally:
            self._listeners[institution].discard(event)
            if not self._listeners[institution]:
                del self._listeners[institution]

    async def _listen_always(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                await self._listen()
                wait = FIRST_WAIT_SECONDS
            except psycopg.Error as error:
                log.warning("bell_lost", error=type(error).__name__)
            except Exception as error:  # the consoles must not fall silent for good, whatever it was
                log.error("bell_broke", error=type(error).__name__, exc_info=error)
            self.listening.clear()
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=5) as conn:
            await conn.execute(f"listen {CHANNEL}")
            self.listening.set()
            for events in list(self._listeners.values()):
                self._ring(events)
            async for notification in conn.notifies():
                self._ring(self._listeners.get(_institution(notification.payload), set()))

    @staticmethod
    def _ring(events: set[asyncio.Event]) -> None:
        for event in events:
            event.set()


def _institution(payload: str) -> InstitutionId:
    try:
        return InstitutionId(UUID(payload))
    except ValueError:
        return InstitutionId(UUID(int=0))
