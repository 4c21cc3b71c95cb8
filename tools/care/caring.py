"""Caring notes: short messages without demand that a counselor chooses to send in the months after a case.

After Motto & Bostrom (2001). They ask for nothing, are signed, stop when the student says so, and wait while a case is
open. Not for a confidential matter: whoever has the phone would read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.errors import Conflict
from core.ids import CaseId, ConversationId, new_id
from db.access import Tx
from safety.policy import load_policy
from tools.care.cases import record
from tools.care.facts import require_mine
from tools.people.keys import student_key, subject_key
from tools.people.people import read_profile, require_staff

PLANNED = "caring_planned"
WAIT = timedelta(days=1)
"""While something stands in the way, a note is looked at again after this."""
NOTE = """
select n.id, n.conversation_id, n.signed_sealed, n.number,
       not p.caring or k.outcome in ('misread', 'test', 'duplicate') or k.confidential or c.delete_requested_at is not null,
       exists (select from cases open where open.student_id = n.student_id and open.status <> 'closed')
         or c.mode not in ('ordinary', 'guarded')
from caring_notes n
join profiles p on p.account_id = n.student_id
join conversations c on c.id = n.conversation_id
join cases k on k.id = n.case_id
where n.id = %s and n.ended_at is null for update of n
"""


@dataclass(frozen=True, slots=True)
class CaringNote:
    """One planned note, and what stands in its way."""

    id: UUID
    conversation: ConversationId
    signed: str
    """Name of the counselor who chose to send it, as it was then."""
    number: int
    unwanted: bool
    """It must not go out any more: the student wants none, or the case turned out to be another matter."""
    early: bool
    """A case is open, or the script or a person has the conversation: not now."""


async def plan_caring(tx: Tx, case: CaseId, *, at: datetime) -> None:
    """Plan the notes after a case of the acting counselor; a second time changes nothing.

    Raises `NotFound`, `Conflict` for a confidential case and for one whose conversation is gone.
    """
    facts = await require_mine(tx, case)
    if facts.confidential:
        raise Conflict("No notes after a confidential case: whoever has the phone would read them.")
    if facts.conversation_id is None:
        raise Conflict("The conversation is gone, and the notes with it.")
    me = require_staff(tx)
    name, key = (await read_profile(tx, me)).name, await subject_key(tx, facts.student_id)
    planned = 0
    for number, wait in enumerate(load_policy().timing.caring):
        note = new_id()
        cursor = await tx.conn.execute(
            "insert into caring_notes (id, institution_id, student_id, conversation_id, case_id, counselor_id,"
            " signed_sealed, number, due_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (case_id, number) do nothing",
            (
                note, tx.who.institution_id, facts.student_id, facts.conversation_id, case, me,
                key.seal(name, f"caring_notes.signed:{note}"), number, at + wait,
            ),
        )  # fmt: skip
        planned += cursor.rowcount
    if planned:
        await record(tx, case, PLANNED, at=at)


async def read_note(tx: Tx, note: UUID) -> CaringNote | None:
    """Return a note of the acting student that has not ended, locked; None when it has."""
    row = await (await tx.conn.execute(NOTE, (note,))).fetchone()
    if row is None:
        return None
    signed = (await student_key(tx)).open(row[2], f"caring_notes.signed:{row[0]}")
    return CaringNote(row[0], ConversationId(row[1]), signed, row[3], bool(row[4]), row[5])


async def end_note(tx: Tx, note: UUID, outcome: str, *, at: datetime) -> None:
    """Store that a note was `sent` or `dropped`."""
    await tx.conn.execute(
        "update caring_notes set ended_at = %s, outcome = %s where id = %s and ended_at is null", (at, outcome, note)
    )


async def put_note_off(tx: Tx, note: UUID, *, at: datetime) -> None:
    """Look at a note again later."""
    await tx.conn.execute("update caring_notes set due_at = %s where id = %s", (at + WAIT, note))
