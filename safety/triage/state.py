"""Where a student stands in the protocol: a value that is stored as JSON beside the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from safety.policy import Flag, Tier
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
    SAID = "said"
    """No choice: own words of a crisis in answer to the question, or beside an answer that contradicts them."""


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
    told_at: datetime | None = None
    """When people were last called; None when never, or when whoever came has gone again."""
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
            "told_at": _iso(self.told_at),
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
            told_at=_moment(data.get("told_at")),  # A state of before it was kept: people are told anew.
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
