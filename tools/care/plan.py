"""The safety plan in the student's own words.

The six steps follow Stanley and Brown's Safety Planning Intervention (2012); the wording is our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from core.crypto import SubjectKey
from db.access import Tx
from tools.people.people import require_student


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """Six steps, each a list of the student's own lines."""

    warning_signs: tuple[str, ...] = ()
    own_coping: tuple[str, ...] = ()
    people_and_places: tuple[str, ...] = ()
    people_to_ask: tuple[str, ...] = ()
    professionals: tuple[str, ...] = ()
    safer_surroundings: tuple[str, ...] = ()
    updated_at: datetime | None = None

    @classmethod
    def from_lines(cls, lines: Mapping[str, Sequence[str]], updated_at: datetime | None = None) -> SafetyPlan:
        """Build a plan from its steps by name; missing steps are empty."""
        return cls(
            warning_signs=tuple(lines.get("warning_signs", ())),
            own_coping=tuple(lines.get("own_coping", ())),
            people_and_places=tuple(lines.get("people_and_places", ())),
            people_to_ask=tuple(lines.get("people_to_ask", ())),
            professionals=tuple(lines.get("professionals", ())),
            safer_surroundings=tuple(lines.get("safer_surroundings", ())),
            updated_at=updated_at,
        )
