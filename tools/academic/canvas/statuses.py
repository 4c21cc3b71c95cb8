"""What a student reads about the connection with Canvas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from tools.academic.canvas.connections import CanvasConnection
from tools.academic.canvas.times import local_text

_FILE = Path(__file__).parent / "words.yaml"
CONNECTED = ("waiting", "current", "limited", "busy", "unreachable", "incomplete", "trouble")
WELL = ("current", "limited")


@dataclass(frozen=True, slots=True)
class Words:
    """The packaged words."""

    version: str
    as_of: str
    nothing_yet: str
    next: str
    states: Mapping[str, str]
    parts: Mapping[str, str]
    sign_in: Mapping[str, str]
    disconnect: Mapping[str, str]
    work: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CanvasStatus:
    """How the connection stands, with the words for it. Moments carry the student's own zone."""

    state: str
    text: str
    connected: bool
    synced_at: datetime | None = None
    next_sync_at: datetime | None = None
    courses: int = 0
    missing: int = 0
    due_this_week: int = 0


@cache
def load_words() -> Words:
    """Read the packaged words."""
    return Words(**yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def without_connection(state: str) -> CanvasStatus:
    """The status of a student who has none."""
    return CanvasStatus(state, load_words().states[state], connected=False)


def status_text(connection: CanvasConnection, zone: ZoneInfo, now: datetime) -> str:
    """What went on, how old what is shown is, and when the next try is."""
    words = load_words()
    limited = _list([words.parts[part] for part in connection.limited if part in words.parts])
    said = [words.states[connection.state].format(limited=limited)]
    if connection.synced_at:
        said.append(words.as_of.format(when=local_text(connection.synced_at, zone, now)))
    elif connection.state != "waiting":
        said.append(words.nothing_yet)
    if connection.state not in (*WELL, "waiting") and connection.next_sync_at:
        said.append(words.next.format(next=local_text(max(connection.next_sync_at, now), zone, now)))
    return " ".join(said)


def _list(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "everything"
