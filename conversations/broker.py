"""Hands the events of running turns to whoever listens in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from conversations.events import Event, EventName


class LiveTurn:
    """The events of one running turn so far, and a wake-up for its listeners."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.events: list[Event] = []
        self.over = False
        self._changed = asyncio.Event()

    def prepare(self, name: EventName, data: dict[str, Any]) -> Event:
        """Number an event without telling anybody: for what must be stored before it is told."""
        return Event(f"{self.attempt}.{len(self.events) + 1}", name, data)

    def publish(self, event: Event) -> None:
        """Add an event and wake the listeners."""
        self.events.append(event)
        self._wake()

    def abandon(self) -> None:
        """Let the listeners go without an end: what became of the turn is in the database."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def emit(self, name: EventName, data: dict[str, Any]) -> None:
        """Number an event and tell it at once."""
        self.publish(self.prepare(name, data))

    async def listen(self) -> AsyncIterator[Event]:
        """Yield all events from the first on; ends after the final one, or when the turn was abandoned here."""
        position = 0
        while True:
            changed = self._changed
            while position < len(self.events):
                event = self.events[position]
                position += 1
                yield event
                if event.final:
                    return
            if self.over:
                return
            await changed.wait()


class Broker:
    """The turns that run in this process, by id."""

    def __init__(self) -> None:
        self._live: dict[UUID, LiveTurn] = {}

    def begin(self, turn_id: UUID, attempt: int) -> LiveTurn:
        """Start collecting the events of a turn."""
        live = self._live[turn_id] = LiveTurn(attempt)
        return live

    def end(self, turn_id: UUID) -> None:
        """Forget a turn; those who listen keep their own hold on it."""
        self._live.pop(turn_id, None)

    def find(self, turn_id: UUID) -> LiveTurn | None:
        """Return the turn if it runs here."""
        return self._live.get(turn_id)
