"""What a client is told while a turn runs, and how it is told again after a lost connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson


class EventName(StrEnum):
    """The closed set of server-sent events of a turn."""

    SCREENING = "screening"
    SENTENCE = "sentence"
    TOOL = "tool"
    CITATION = "citation"
    CRISIS = "crisis"
    DELIVERY = "delivery"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is `<attempt>.<number>`, so a client knows when a turn was taken over and begun again."""

    id: str
    name: EventName
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        return self.name in (EventName.DONE, EventName.ERROR)


def dump_events(events: list[Event]) -> str:
    """Return the form that is sealed and stored with the finished turn."""
    return orjson.dumps([[event.id, event.name.value, event.data] for event in events]).decode()


def load_events(text: str) -> list[Event]:
    """Read the form of `dump_events`."""
    return [Event(id_, EventName(name), data) for id_, name, data in orjson.loads(text)]


def after(events: list[Event], last_id: str | None) -> list[Event]:
    """Return what a client that saw `last_id` has not seen.

    An id of an earlier attempt, or one never given, means everything: the client begins the reply again.
    """
    ids = [event.id for event in events]
    return events[ids.index(last_id) + 1 :] if last_id in ids else events
