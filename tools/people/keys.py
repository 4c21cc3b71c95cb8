"""The data key of a person, unwrapped for one transaction."""

from __future__ import annotations

from uuid import UUID

from core.crypto import KeyRing, SubjectKey, new_key
from core.errors import NotFound
from core.ids import InstitutionId
from db.access import Connection, Tx


async def create_key(conn: Connection, keys: KeyRing, institution_id: InstitutionId, subject: UUID) -> SubjectKey:
    """Make and store the data key of a new subject."""
    key = SubjectKey(new_key())
    await conn.execute(
        "insert into data_keys (subject_id, institution_id, wrapped, master) values (%s, %s, %s, %s)",
        (subject, institution_id, keys.wrap(key, str(subject)), keys.current),
    )
    return key


async def subject_key(tx: Tx, subject: UUID) -> SubjectKey:
    """Unwrap a subject's key; raises `NotFound` when the acting person may not read it or it was deleted."""
    cursor = await tx.conn.execute("select wrapped from data_keys where subject_id = %s", (subject,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    return tx.keys.unwrap(row[0], str(subject))


async def student_key(tx: Tx) -> SubjectKey:
    """Unwrap the key of the student whose rows are open; raises `NotFound`."""
    if tx.who.student_id is None:
        raise NotFound
    return await subject_key(tx, tx.who.student_id)
