"""What the responder knows when it answers: the reading, the conversation so far and the student's data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.dialogue.intents import Route
from agents.dialogue.understand import Reading
from agents.state import PastMessage
from safety.types import Mode


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task of the student that is not done."""

    id: UUID
    title: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueWork:
    """Work in Canvas that is due soon."""

    title: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastMood:
    """The newest mood entry."""

    score: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything one answer may rest on; the same situation gives the same answer."""

    seed: str
    """The turn's id: choices among equal lines follow from it."""
    reading: Reading
    route: Route
    sure: bool
    mode: Mode
    name: str
    now: datetime
    zone: ZoneInfo
    history: tuple[PastMessage, ...] = ()
    tasks: tuple[OpenTask, ...] = ()
    work: tuple[DueWork, ...] = ()
    mood: LastMood | None = None
    already_said: tuple[str, ...] = ()
    """Sentences of this very reply that are on the screen: a model broke off after them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to use."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered: its data, or None when it failed."""

    tool: str
    data: dict[str, Any] | None
