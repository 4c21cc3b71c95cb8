"""How a student wants the companion to be: approaches it may offer, tone, length, quiet hours.

What of their data it may use is decided elsewhere (`uses`); the language is the profile's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from core.crypto import SubjectKey
from core.errors import InvalidInput
from db.access import Tx
from tools.people.people import require_student

QUIET_FROM, QUIET_TO = time(22), time(8)
WARM, USUAL = "warm", "usual"


@dataclass(frozen=True, slots=True)
class CompanionSettings:
    """A student's choices; without any, these."""

    approaches: tuple[str, ...] = ("CBT", "BA", "DBT", "ACT", "mindfulness")
    tone: str = WARM
    length: str = USUAL
    quiet_from: time = QUIET_FROM
    """In the student's own time; from equal to until means no quiet hours."""
    quiet_to: time = QUIET_TO

    @property
    def left_out(self) -> frozenset[str]:
        """Approaches that are not to be offered."""
        return frozenset(choices()["approaches"]) - set(self.approaches)

    @property
    def said(self) -> str:
        """What a language model is told; empty where the student chose nothing special."""
        known, said = choices(), []
        if self.tone != WARM:
            said.append(known["tones"][self.tone]["says"])
        if self.length != USUAL:
            said.append(known["lengths"][self.length]["says"])
        if self.left_out:
            said.append(f"Offer nothing of these approaches: {', '.join(sorted(self.left_out))}.")
        return f"The student chose: {' '.join(said)}" if said else ""


async def read_settings(tx: Tx, key: SubjectKey) -> CompanionSettings:
    """Return the choices of the student whose rows are open."""
    student = require_student(tx)
    cursor = await tx.conn.execute(
        "select settings_sealed, quiet_from, quiet_to from companion_settings where student_id = %s", (student,)
    )
    row = await cursor.fetchone()
    if row is None:
        return CompanionSettings()
    stored: dict[str, Any] = orjson.loads(key.open(row[0], f"companion_settings.settings:{student}"))
    known = choices()
    return CompanionSettings(
        tuple(name for name in stored["approaches"] if name in known["approaches"]),
        stored["tone"] if stored["tone"] in known["tones"] else WARM,
        stored["length"] if stored["length"] in known["lengths"] else USUAL,
        row[1],
        row[2],
    )


async def save_settings(tx: Tx, key: SubjectKey, chosen: CompanionSettings, *, at: datetime) -> None:
    """Store the acting student's choices; raises `InvalidInput` for what is not offered."""
    known, student = choices(), require_student(tx)
    if set(chosen.approaches) - set(known["approaches"]):
        raise InvalidInput(f"Choose approaches from: {', '.join(known['approaches'])}.")
    if chosen.tone not in known["tones"] or chosen.length not in known["lengths"]:
        raise InvalidInput("Choose a tone and a length from those that are offered.")
    body = {"approaches": list(dict.fromkeys(chosen.approaches)), "tone": chosen.tone, "length": chosen.length}
    await tx.conn.execute(
        "insert into companion_settings (student_id, institution_id, settings_sealed, quiet_from, quiet_to, updated_at)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (student_id) do update set settings_sealed = excluded.settings_sealed,"
        " quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, updated_at = excluded.updated_at",
        (
            student, tx.who.institution_id, key.seal(orjson.dumps(body).decode(), f"companion_settings.settings:{student}"),
            chosen.quiet_from, chosen.quiet_to, at,
        ),
    )  # fmt: skip


@cache
def choices() -> Mapping[str, Any]:
    """What is offered."""
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("companion.yaml").read_text(encoding="utf-8"))
    return found
