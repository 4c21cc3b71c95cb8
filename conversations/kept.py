"""What the spool keeps of a message: the words, the verdict, and what the script said and decided about it at the time.

It is what happened, written down so that the replay can make it true in the database without deciding it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from conversations.spool import Ticket
from core.errors import CompanionError
from core.ids import StudentId, TurnId
from db.access import Acting
from safety.policy import Tier
from safety.resources import resource_named
from safety.triage.facts import InputKind
from safety.triage.state import CheckInKind, TriageState
from safety.triage.step import (
    CaseNote,
    Choice,
    Digest,
    Effect,
    OpenCase,
    Page,
    RaiseCase,
    RecordAnswer,
    ScheduleCheckIn,
    ScriptStep,
)
from safety.types import Category, Evidence, Mode, Screening, Severity

EFFECTS: Mapping[str, Callable[..., Effect]] = {
    kind.__name__: kind for kind in (OpenCase, RaiseCase, Page, Digest, ScheduleCheckIn, RecordAnswer, CaseNote)
}
READ: Mapping[str, Callable[[str], object]] = {
    "category": Category, "severity": Severity, "tier": Tier, "at": datetime.fromisoformat, "kind": CheckInKind,
}  # fmt: skip
"""How the fields of an effect are read that are more than text."""


VERDICT = ("crisis", "clarify", "category", "severity", "score", "evidence", "version", "degraded")
"""The fields of a screening that are kept; its embedding is made again."""


class NotOurs(CompanionError):
    """This spool entry was written by another version."""

    code = "spool_entry_unknown"


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message that waits for its replay."""

    ticket: Ticket
    student: StudentId
    key: str
    kind: InputKind
    text: str
    turn: TurnId
    screening: Screening
    """The verdict at the time: without the conversation's history."""
    base: TriageState | None
    """Where the script stood, as far as was known."""
    step: ScriptStep | None
    """What the script said; None where the message only waits to be answered."""

    @property
    def who(self) -> Acting:
        """The student, acting."""
        return Acting.student(self.ticket.institution, self.student)

    def to_bytes(self) -> bytes:
        """Return what is sealed."""
        return orjson.dumps(
            {
                "student": self.student,
                "key": self.key,
                "kind": self.kind.value,
                "text": self.text,
                "turn": self.turn,
                "screening": {name: getattr(self.screening, name) for name in VERDICT},
                "base": self.base.to_dict() if self.base else None,
                "step": _step_to_dict(self.step) if self.step else None,
            }
        )

    @classmethod
    def from_bytes(cls, ticket: Ticket, plain: bytes) -> KeptMessage:
        """Read what was sealed; raises `NotOurs` for the form of another version."""
        try:
            data: dict[str, Any] = orjson.loads(plain)
            return cls(
                ticket,
                StudentId(UUID(data["student"])),
                data["key"],
                InputKind(data["kind"]),
                data["text"],
                TurnId(UUID(data["turn"])),
                _screening(data["screening"]),
                TriageState.from_dict(data["base"]) if data["base"] else None,
                _step(data["step"]) if data["step"] else None,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise NotOurs from error


def _screening(data: Mapping[str, Any]) -> Screening:
    evidence = tuple(Evidence(**entry) for entry in data["evidence"])
    given = {**data, "evidence": evidence, "degraded": tuple(data["degraded"])}
    return Screening(**given | {"category": Category(data["category"]), "severity": Severity(data["severity"])})


def _step_to_dict(step: ScriptStep) -> dict[str, Any]:
    return {
        "state": step.state.to_dict() if step.state else None,
        "mode": step.mode.value,
        "messages": step.messages,
        "choices": step.choices,
        "resources": [resource.id for resource in step.resources],
        "effects": [{"effect": type(effect).__name__, **asdict(effect)} for effect in step.effects],
    }


def _step(data: Mapping[str, Any]) -> ScriptStep:
    named = (resource_named(identifier) for identifier in data["resources"])
    return ScriptStep(
        state=TriageState.from_dict(data["state"]) if data["state"] else None,
        mode=Mode(data["mode"]),
        messages=tuple(data["messages"]),
        choices=tuple(Choice(**entry) for entry in data["choices"]),
        resources=tuple(resource for resource in named if resource is not None),
        effects=tuple(_effect(entry) for entry in data["effects"]),
    )


def _effect(data: Mapping[str, Any]) -> Effect:
    fields = {name: READ.get(name, _same)(value) for name, value in data.items() if name != "effect"}
    return EFFECTS[data["effect"]](**fields)


def _same(value: str) -> object:
    return value
