"""My crisis terms: written by the student when well, first on the counselor's screen, heard by the script."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from core.crypto import SubjectKey
from db.access import Tx
from safety.triage.facts import CrisisTerms
from tools.people.people import require_student


@dataclass(frozen=True, slots=True)
class MyTerms:
    """What a student wants known in a crisis, in their own words; empty where they wrote nothing."""

    call_first: str = ""
    never_call: str = ""
    helps: str = ""
    makes_worse: str = ""
    hospital_and_police: str = ""
    tell_people: str = ""
    call_back_number: str = ""
    clinician: str = ""
    gone_through_with: str = ""
    """Who went through this with them, if they wanted that."""
    updated_at: datetime | None = None


FIELDS = tuple(name for name in MyTerms.__slots__ if name != "updated_at")


async def read_terms(tx: Tx, key: SubjectKey) -> MyTerms | None:
    """Return the terms of the student whose rows are open, or None when there are none."""
    student = require_student(tx)
    cursor = await tx.conn.execute(
        "select terms_sealed, updated_at from crisis_terms where student_id = %s", (student,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    written = orjson.loads(key.open(row[0], f"crisis_terms.terms:{student}"))
    return MyTerms(**{name: written.get(name, "") for name in FIELDS}, updated_at=row[1])


async def save_terms(tx: Tx, key: SubjectKey, terms: MyTerms, *, at: datetime) -> None:
    """Store the acting student's terms, replacing the earlier ones."""
    student = require_student(tx)
    body = asdict(terms)
    body.pop("updated_at")
    await tx.conn.execute(
        "insert into crisis_terms (student_id, institution_id, terms_sealed, updated_at) values (%s, %s, %s, %s)"
        " on conflict (student_id) do update set terms_sealed = excluded.terms_sealed, updated_at = excluded.updated_at",
        (student, tx.who.institution_id, key.seal(orjson.dumps(body).decode(), f"crisis_terms.terms:{student}"), at),
    )


def for_script(terms: MyTerms | None) -> CrisisTerms | None:
    """What of the terms the script may say back to the student."""
    if terms is None:
        return None
    return CrisisTerms(terms.helps, terms.makes_worse, terms.call_first, terms.never_call)
