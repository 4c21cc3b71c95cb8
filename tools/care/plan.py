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


async def read_plan(tx: Tx, key: SubjectKey) -> SafetyPlan | None:
    """Return the plan of the student whose rows are open, or None when there is none."""
    student = require_student(tx)
    cursor = await tx.conn.execute("select plan_sealed, updated_at from safety_plans where student_id = %s", (student,))
    row = await cursor.fetchone()
    if row is None:
        return None
    return SafetyPlan.from_lines(orjson.loads(key.open(row[0], f"safety_plans.plan:{student}")), updated_at=row[1])


async def save_plan(tx: Tx, key: SubjectKey, plan: SafetyPlan, *, at: datetime) -> None:
    """Store the acting student's plan, replacing the earlier one."""
    student = require_student(tx)
    body = asdict(plan)
    body.pop("updated_at")
    await tx.conn.execute(
        "insert into safety_plans (student_id, institution_id, plan_sealed, updated_at) values (%s, %s, %s, %s)"
        " on conflict (student_id) do update set plan_sealed = excluded.plan_sealed, updated_at = excluded.updated_at",
        (student, tx.who.institution_id, key.seal(orjson.dumps(body).decode(), f"safety_plans.plan:{student}"), at),
    )
