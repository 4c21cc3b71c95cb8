"""Emergency contacts: optional, each for a purpose, and those who are never to be called. Read with an open case."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson

from core.crypto import SubjectKey
from core.errors import InvalidInput, NotFound
from core.ids import new_id
from db.access import Tx
from tools.people.people import require_student

MOST = 20


class ContactPurpose(StrEnum):
    """What a person may be called for."""

    CRISIS = "crisis"
    MEDICAL = "medical"
    DAILY = "daily"
    NEVER_CALL = "never_call"
    """This person is not to be called, whatever happens."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the student's own words; sealed as one."""

    name: str
    relation: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry of the list."""

    id: UUID
    person: Person
    purpose: ContactPurpose
    updated_at: datetime


async def contacts(tx: Tx, key: SubjectKey) -> list[Contact]:
    """Return the list of the student whose rows are open; those never to be called come first."""
    cursor = await tx.conn.execute(
        "select id, person_sealed, purpose, updated_at from emergency_contacts where student_id = %s"
        " order by purpose <> 'never_call', updated_at, id",
        (require_student(tx),),
    )
    return [
        Contact(id_, Person(**orjson.loads(key.open(person, _bound(id_)))), ContactPurpose(purpose), at)
        for id_, person, purpose, at in await cursor.fetchall()
    ]


async def add_contact(tx: Tx, key: SubjectKey, person: Person, purpose: ContactPurpose, *, at: datetime) -> Contact:
    """Store an entry of the acting student; raises `InvalidInput` for one without a name, or too many."""
    if not person.name.strip():
        raise InvalidInput("Give a name.")
    student = require_student(tx)
    cursor = await tx.conn.execute("select count(*) from emergency_contacts where student_id = %s", (student,))
    row = await cursor.fetchone()
    if row is not None and row[0] >= MOST:
        raise InvalidInput(f"The list holds {MOST} people. Remove one first.")
    contact = Contact(new_id(), person, purpose, at)
    sealed = key.seal(orjson.dumps(asdict(person)).decode(), _bound(contact.id))
    await tx.conn.execute(
        "insert into emergency_contacts (id, institution_id, student_id, person_sealed, purpose, updated_at)"
        " values (%s, %s, %s, %s, %s, %s)",
        (contact.id, tx.who.institution_id, student, sealed, purpose, at),
    )
    return contact


async def remove_contact(tx: Tx, contact: UUID) -> None:
    """Remove an entry of the acting student; raises `NotFound`."""
    removed = await tx.conn.execute(
        "delete from emergency_contacts where id = %s and student_id = %s", (contact, require_student(tx))
    )
    if removed.rowcount == 0:
        raise NotFound


def _bound(contact: UUID) -> str:
    return f"emergency_contacts.person:{contact}"
