"""What one turn of the script gives: texts, quick replies, lines, and the effects to carry out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from safety.policy import Tier
from safety.resources import Resource
from safety.triage.state import CheckInKind, TriageState
from safety.types import Category, Mode, Severity


@dataclass(frozen=True, slots=True)
class Choice:
    """A quick reply or a button.

    With `href` it is no reply: it opens a call (`tel:`), a text (`sms:`), a page (`https:`) or something of the client's own,
    `companion:plan` (the student's plan) and `companion:exit` (leave fast for a neutral page).
    """

    value: str
    label: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Open a case. With tier none nobody is told and nobody sees it; with `confidential` only confidential staff may."""

    category: Category
    severity: Severity
    tier: Tier
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class RaiseCase:
    """The case is worse, or about something else, than was known."""

    category: Category
    severity: Severity
    tier: Tier


@dataclass(frozen=True, slots=True)
class Page:
    """Call a person at a tier; the student has been told in the same reply or before."""

    tier: Tier
    reason: str
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """Put the case where a person finds it in time: the same day or the next working day."""

    tier: Tier
    reason: str
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Confide:
    """The open case turned into a confidential matter: from here on only confidential staff are told of it."""


@dataclass(frozen=True, slots=True)
class ScheduleCheckIn:
    """Come back at a moment. `discreet`: a notification must not say what it is about."""

    at: datetime
    kind: CheckInKind
    discreet: bool = False


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """Store an answer to an item with the case."""

    item: str
    value: str


@dataclass(frozen=True, slots=True)
class CaseNote:
    """Store a fact with the case: a word from the protocol, never the student's own words."""

    note: str


Effect = OpenCase | RaiseCase | Page | Digest | ScheduleCheckIn | Confide | RecordAnswer | CaseNote


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """What one turn, or one tick, of the script does."""

    state: TriageState | None
    """None: back to the ordinary conversation."""
    mode: Mode
    messages: tuple[str, ...]
    """Final texts in the script's fixed words, one bubble each."""
    choices: tuple[Choice, ...] = ()
    resources: tuple[Resource, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def passes_on(self) -> bool:
        """The script has nothing to say: the student's message goes on to the ordinary (or guarded) path."""
        return not self.messages and self.mode in (Mode.ORDINARY, Mode.GUARDED)
