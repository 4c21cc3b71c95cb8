"""What the triage script takes and gives: state, facts, steps and effects.

The state is a value: the turn service stores it as JSON beside the conversation and hands it back for the next turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from safety.policy import Flag, Tier
from safety.resources import Audience, Resource
from safety.types import Category, Mode, Severity


class TriageStep(StrEnum):
    """The states of the crisis protocol."""

    CLARIFY = "clarify"
    EMERGENCY = "emergency"
    """An attempt or an ingestion under way."""
    SCREEN = "screen"
    REFUSED = "refused"
    SILENT = "silent"
    MEANS = "means"
    """Means and people."""
    PLAN = "plan"
    WAITING = "waiting"
    NO_STAFF = "no_staff"
    LIVE = "live"
    SAFE_WITH_HELP = "safe_with_help"
    MISREAD = "misread"
    MINOR = "minor"
    """The limits of privacy are said; the first question stands."""
    ELSEWHERE = "elsewhere"
    VOICE = "voice"
    AGAIN = "again"
    GUARDED = "guarded"
    FOLLOW_UP = "follow_up"
    """A question about how it is; without a standing question, the time until the next one."""
    DEGRADED = "degraded"


class Answer(StrEnum):
    """Answers that most items share; some items have their own beside them."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    REFUSED = "refused"


class InputKind(StrEnum):
    """How the student's words came in."""

    TEXT = "text"
    VOICE = "voice"
    """Spoken, and the transcript confirmed by the student."""
    VOICE_UNCONFIRMED = "voice_unconfirmed"
    """Spoken, not confirmed: it may ask, and it never pages."""


class CheckInKind(StrEnum):
    """Why the companion comes back on its own."""

    AGREED = "agreed"
    SILENCE = "silence"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A moment at which the companion comes back."""

    at: datetime
    kind: CheckInKind


@dataclass(frozen=True, slots=True)
class CrisisTerms:
    """What the student wrote when well, in their own words; empty where they wrote nothing."""

    helps: str = ""
    call_first: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """Stored facts about the delivery of a case; every claim to the student is rendered from them."""

    sent_at: datetime | None = None
    opened_at: datetime | None = None
    """When a person opened the case."""
    writing_at: datetime | None = None
    """Since when a person is writing; None as soon as they stop."""
    last_person_at: datetime | None = None
    """When a person last wrote to the student."""
    closed_at: datetime | None = None
    expected_by: datetime | None = None
    """Until when the tier's acknowledgement is due."""


@dataclass(frozen=True, slots=True)
class StudentFacts:
    """What is known about the student and the service at this turn."""

    language: str = "en"
    region: str | None = None
    """Country or `country-subdivision` code from the student's settings; None is unknown and never guessed."""
    zone: str = "UTC"
    """IANA time zone in which times are shown."""
    minor: bool = False
    audience: frozenset[Audience] = frozenset()
    has_plan: bool = False
    """A safety plan of their own is stored."""
    crisis_terms: CrisisTerms | None = None
    staffed_now: bool = False
    """Somebody answers pages at this hour, the contracted line included."""
    next_staffed: datetime | None = None
    """When somebody looks next; None if not known."""
    earlier_case: bool = False
    """There was a case before: no introduction, and 'What's different tonight?'"""
    delivery: DeliveryFacts = DeliveryFacts()
    input: InputKind = InputKind.TEXT


@dataclass(frozen=True, slots=True)
class TriageState:
    """Where a student stands in the protocol. Severity only rises here; a counselor alone lowers it."""

    step: TriageStep
    category: Category
    severity: Severity
    since: datetime
    """When this step was entered."""
    last_student_at: datetime
    script_version: str
    language: str
    region: str | None
    item: str | None = None
    """The question that stands."""
    asked: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Item -> `yes`, `no`, `unsure`, `refused` or the item's own value; last answer counts."""
    flags: frozenset[Flag] = frozenset()
    tier: Tier = Tier.NONE
    """The most urgent tier announced in this episode."""
    matter: Severity = Severity.NONE
    """Severity of what is at hand in this episode; it decides the tier, the case's own severity decides the rest."""
    case_open: bool = False
    resume: str | None = None
    """The item to go on with after an interposed question."""
    nudged_at: datetime | None = None
    silence_told_at: datetime | None = None
    refusals: int = 0
    """Items skipped in a row."""
    reasked: bool = False
    human_contact: bool = False
    confidential: bool = False
    """Only confidential staff are told and notifications do not say what they are about; never undone."""
    unconfirmed: Severity = Severity.NONE
    """What an ambiguous message or an unconfirmed transcript may mean; it pages nobody."""
    unconfirmed_category: Category = Category.NONE
    check_ins: tuple[CheckIn, ...] = ()

    @property
    def mode(self) -> Mode:
        """How the conversation is answered in this step; between follow-ups it is an ordinary one."""
        if self.step is TriageStep.FOLLOW_UP and self.item is None:
            return Mode.ORDINARY
        return _MODES.get(self.step, Mode.TRIAGE)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe form."""
        return {
            "step": self.step.value,
            "category": self.category.value,
            "severity": self.severity.value,
            "since": self.since.isoformat(),
            "last_student_at": self.last_student_at.isoformat(),
            "script_version": self.script_version,
            "language": self.language,
            "region": self.region,
            "item": self.item,
            "asked": list(self.asked),
            "answers": dict(self.answers),
            "flags": sorted(flag.value for flag in self.flags),
            "tier": self.tier.value,
            "matter": self.matter.value,
            "case_open": self.case_open,
            "resume": self.resume,
            "nudged_at": _iso(self.nudged_at),
            "silence_told_at": _iso(self.silence_told_at),
            "refusals": self.refusals,
            "reasked": self.reasked,
            "human_contact": self.human_contact,
            "confidential": self.confidential,
            "unconfirmed": self.unconfirmed.value,
            "unconfirmed_category": self.unconfirmed_category.value,
            "check_ins": [{"at": entry.at.isoformat(), "kind": entry.kind.value} for entry in self.check_ins],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the form of `to_dict`.

        Raises:
            KeyError, ValueError: the form is not one of ours.
        """
        return cls(
            step=TriageStep(data["step"]),
            category=Category(data["category"]),
            severity=Severity(data["severity"]),
            since=datetime.fromisoformat(data["since"]),
            last_student_at=datetime.fromisoformat(data["last_student_at"]),
            script_version=data["script_version"],
            language=data["language"],
            region=data["region"],
            item=data["item"],
            asked=tuple(data["asked"]),
            answers=MappingProxyType(dict(data["answers"])),
            flags=frozenset(Flag(flag) for flag in data["flags"]),
            tier=Tier(data["tier"]),
            matter=Severity(data["matter"]),
            case_open=data["case_open"],
            resume=data["resume"],
            nudged_at=_moment(data["nudged_at"]),
            silence_told_at=_moment(data["silence_told_at"]),
            refusals=data["refusals"],
            reasked=data["reasked"],
            human_contact=data["human_contact"],
            confidential=data["confidential"],
            unconfirmed=Severity(data["unconfirmed"]),
            unconfirmed_category=Category(data["unconfirmed_category"]),
            check_ins=tuple(
                CheckIn(datetime.fromisoformat(entry["at"]), CheckInKind(entry["kind"])) for entry in data["check_ins"]
            ),
        )

    def with_answer(self, item: str, value: str) -> Self:
        """Return the state with an answer recorded."""
        return replace(self, answers=MappingProxyType({**self.answers, item: value}))


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
    """Open a case. With tier none nobody is told; with `confidential` only confidential staff may see it."""

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


Effect = OpenCase | RaiseCase | Page | Digest | ScheduleCheckIn | RecordAnswer | CaseNote


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


_MODES = {
    TriageStep.GUARDED: Mode.GUARDED,
    TriageStep.REFUSED: Mode.GUARDED,
    TriageStep.NO_STAFF: Mode.GUARDED,
    TriageStep.SAFE_WITH_HELP: Mode.GUARDED,
    TriageStep.FOLLOW_UP: Mode.GUARDED,
    TriageStep.LIVE: Mode.LIVE_PERSON,
}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
