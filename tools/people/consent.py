"""What a student agreed to: off unless they say so, in the words they read, taken back at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import CompanionError, Conflict, NotAllowed
from core.ids import StudentId, new_id
from db.access import Tx
from tools.people.people import read_profile, require_student

_FILE = Path(__file__).parent / "consents.yaml"


class ConsentKind(StrEnum):
    """What can be agreed to."""

    EXAMPLES = "examples"
    """Messages that screening got wrong may be kept, de-identified, to test it."""
    CANVAS = "canvas"
    """Courses, work and grades may be read from Canvas, kept here and used to answer the student."""


ADULTS = ("18_24", "25_plus")
OF_AGE = {ConsentKind.EXAMPLES: ADULTS, ConsentKind.CANVAS: ("16_17", *ADULTS)}
"""Who is younger, or has not said, cannot agree to this by themself; they are not asked."""
LEAST_AGE = {ConsentKind.EXAMPLES: 18, ConsentKind.CANVAS: 16}


class ConsentNeeded(CompanionError):
    """You have not agreed to this. Read what it is about and agree first, if you want."""

    status = 409
    code = "consent_needed"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The words that are agreed to."""

    version: str
    title: str
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """Where a student stands with one kind."""

    kind: ConsentKind
    may_give: bool
    """Whether they are old enough to be asked."""
    given_at: datetime | None
    """None: not agreed."""
    version: str | None
    """Of the words they agreed to."""
    kept: int
    """How many examples there are."""


async def read_consent(tx: Tx, kind: ConsentKind) -> Consent:
    """Return where the acting student stands."""
    student = require_student(tx)
    profile = await read_profile(tx, student)
    cursor = await tx.conn.execute(
        "select given_at, version, (select count(*) from examples e where e.student_id = c.student_id) from consents c"
        " where student_id = %s and kind = %s and withdrawn_at is null",
        (student, kind),
    )
    given_at, version, kept = await cursor.fetchone() or (None, None, 0)
    return Consent(kind, profile.age_band in OF_AGE[kind], given_at, version, kept)


async def give_consent(tx: Tx, kind: ConsentKind, version: str, *, at: datetime) -> None:
    """Record that the acting student agrees to the words of a version; again changes nothing.

    Raises `NotAllowed` for who is too young for it or has not said, `Conflict` when the words have changed since they
    were read.
    """
    student = require_student(tx)
    if (await read_profile(tx, student)).age_band not in OF_AGE[kind]:
        raise NotAllowed(f"This is for people of {LEAST_AGE[kind]} or older.")
    if version != consent_texts()[kind].version:
        raise Conflict("The text has changed since you opened it. Read it again first.")
    await tx.conn.execute(
        "insert into consents (id, student_id, institution_id, kind, version, given_at) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (student_id, kind) where withdrawn_at is null do nothing",
        (new_id(), student, tx.who.institution_id, kind, version, at),
    )


async def withdraw_consent(tx: Tx, kind: ConsentKind, *, at: datetime) -> None:
    """Record that the acting student takes it back; what was kept with it is deleted in the same transaction."""
    await tx.conn.execute(
        "update consents set withdrawn_at = %s where student_id = %s and kind = %s and withdrawn_at is null",
        (at, require_student(tx), kind),
    )


async def require_consent(tx: Tx, kind: ConsentKind) -> None:
    """Raise `ConsentNeeded` unless the acting student agrees at this moment."""
    if not await has_consented(tx, require_student(tx), kind):
        raise ConsentNeeded


async def has_consented(tx: Tx, student: StudentId, kind: ConsentKind) -> bool:
    """Whether a student of the acting person's campus agrees at this moment."""
    row = await (await tx.conn.execute("select gave_consent(%s, %s)", (student, kind))).fetchone()
    return bool(row and row[0])


@cache
def consent_texts() -> dict[ConsentKind, ConsentText]:
    """Read the packaged words."""
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        ConsentKind(kind): ConsentText(known["version"], known["title"], tuple(known["text"]))
        for kind, known in data.items()
    }
