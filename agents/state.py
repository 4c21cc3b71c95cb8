"""What passes through the graph, and the type that keeps a crisis from reaching a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.ids import ConversationId, InstitutionId, StudentId, TurnId
from safety.triage.facts import DeliveryFacts
from safety.types import Mode, Screening


@dataclass(frozen=True, slots=True)
class PastMessage:
    """An earlier message of this conversation, decrypted for this turn only."""

    author: Literal["student", "companion", "script", "counselor"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScreenedTurn:
    """A student's message that was screened clear and committed; the only thing a model node accepts.

    Intake alone constructs it, after the first transaction. A screening that is not clear cannot be wrapped:
    construction raises `ValueError`, so that a crisis reaches no model even through a mistake.
    """

    turn_id: TurnId
    conversation_id: ConversationId
    student_id: StudentId
    institution_id: InstitutionId
    text: str
    screening: Screening
    mode: Mode
    name: str
    language: str
    time_zone: str
    region: str | None
    received_at: datetime
    attempt: int
    history: tuple[PastMessage, ...] = ()
    """The recent window, oldest first, without the message itself; bounded, so a turn's cost does not grow."""
    summary: str = ""
    campus_region: str | None = None
    """Where the campus is; its law counts beside that of `region`."""
    delivery: DeliveryFacts = field(default_factory=DeliveryFacts)
    """Stored facts about a case; a reply may say of delivery only what is in them."""

    def __post_init__(self) -> None:
        if not self.screening.clear:
            raise ValueError("Only a message that was screened clear may reach a model.")
        if self.mode not in (Mode.ORDINARY, Mode.GUARDED):
            raise ValueError("The script or a person has this conversation.")


def require_screened(turn: object) -> ScreenedTurn:
    """Return the turn if it is one that may reach a model; the assertion at every door to one.

    Raises `TypeError` for anything else, however much it looks like a turn, and for a turn that was tampered with.
    """
    if type(turn) is not ScreenedTurn or not turn.screening.clear:
        raise TypeError("Only a screened turn may be answered by a model.")
    return turn


@dataclass(frozen=True, slots=True)
class PassedMessage:
    """A committed message in which screening, all layers running, found no crisis: what a second opinion may be asked on.

    Admission alone constructs it. It is answered by nobody here; an opinion can only raise the verdict.
    """

    text: str
    screening: Screening
    history: tuple[PastMessage, ...] = ()
    """What went the ordinary way before it, oldest first."""

    def __post_init__(self) -> None:
        if self.screening.crisis or self.screening.degraded:
            raise ValueError("A crisis needs no second opinion, and a verdict with a layer missing is screened again.")


def require_passed(message: object) -> PassedMessage:
    """Return the message if it is one on which an opinion may be asked; raises `TypeError` for anything else."""
    if type(message) is not PassedMessage or message.screening.crisis or message.screening.degraded:
        raise TypeError("Only a message that screening let pass goes to a second opinion.")
    return message


@dataclass(frozen=True, slots=True)
class ToolActivity:
    """A tool was used; shown in plain words."""

    tool: str
    label: str
    call_id: str


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage that the reply rests on."""

    anchor: str
    """`slug#section`, stable, opens the section."""
    title: str
    section: str
    draft: bool


@dataclass(frozen=True, slots=True)
class ReviewedSentence:
    """One sentence of the reply that passed review, without the white space around it."""

    text: str
    ends: str = " "
    """What stands between it and the next: a space, or a line break after a line of a list."""


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The end of a turn's execution, stored with it."""

    route: str
    model: str
    """What answered: `embedded`, or the model's name."""
    versions: dict[str, str]


TurnEvent = ReviewedSentence | ToolActivity | CitedPassage | TurnOutcome
