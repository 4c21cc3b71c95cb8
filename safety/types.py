"""The words that screening, policy, triage and the case share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Category(StrEnum):
    """What a signal is about."""

    NONE = "none"
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    HARM_TO_OTHERS = "harm_to_others"
    ABUSE = "abuse"
    """Abuse and violence against the student, sexual violence included."""
    EXPLOITATION = "exploitation"
    """Grooming, sexual exploitation, stalking."""
    EATING_DISORDER = "eating_disorder"
    OVERDOSE = "overdose"
    """Overdose or poisoning, meant or not."""
    PSYCHOSIS = "psychosis"
    """Psychosis or mania with danger."""
    THIRD_PARTY = "third_party"
    """The student is worried about somebody else."""
    AI_HARM = "ai_harm"
    """Harm that grows out of talking with an AI."""


class Severity(StrEnum):
    """How bad it may be, along the C-SSRS screener (Posner et al. 2011)."""

    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    IMMINENT = "imminent"

    @property
    def rank(self) -> int:
        """0 (none) to 4 (imminent)."""
        return list(Severity).index(self)


def highest(*severities: Severity) -> Severity:
    """Return the worst of the given severities."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.NONE)


class Mode(StrEnum):
    """How a conversation is answered; moved by the script, and by a counselor at any time."""

    ORDINARY = "ordinary"
    TRIAGE = "triage"
    GUARDED = "guarded"
    LIVE_PERSON = "live_person"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a layer spoke: a rule and the student's words that met it."""

    layer: str
    rule: str
    quote: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class PriorTurn:
    """An earlier message of the conversation, as screening needs it."""

    role: str
    """`student`, `companion` or `counselor`."""
    text: str
    severity: Severity = Severity.NONE
    category: Category = Category.NONE


@dataclass(frozen=True, slots=True)
class ScreeningContext:
    """The case so far: what the pure function may know besides the words."""

    prior: tuple[PriorTurn, ...] = ()
    """Earlier messages, oldest first; at most the last forty matter."""
    mode: Mode = Mode.ORDINARY
    language: str | None = None
    data_signals: tuple[str, ...] = ()
    """Names of signals from the student's data, such as `mood_low_sustained`; they lower thresholds, never page."""


@dataclass(frozen=True, slots=True)
class Screening:
    """The verdict on one message."""

    crisis: bool
    """The turn must leave the ordinary path."""
    clarify: bool
    """One direct question must decide; nobody is paged."""
    category: Category
    severity: Severity
    score: float
    """Calibrated probability of a crisis, 0 to 1."""
    evidence: tuple[Evidence, ...]
    version: str
    degraded: tuple[str, ...] = ()
    """Names of the layers that could not run. Not empty: the turn gets the careful fixed reply and no model."""

    @property
    def clear(self) -> bool:
        """Whether the turn may go on to a model."""
        return not (self.crisis or self.clarify or self.degraded)

    def or_worse(self, again: Screening) -> Screening:
        """Return the graver of this verdict and a later one on the same words; what either found stays found."""
        worse = max((again, self), key=lambda one: (one.crisis, one.clarify and not one.crisis, one.severity.rank))
        evidence = tuple(dict.fromkeys((*self.evidence, *again.evidence)))
        score = max(self.score, again.score)
        return replace(worse, evidence=evidence, score=score, degraded=again.degraded)
