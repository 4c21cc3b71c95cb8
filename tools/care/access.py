"""Who opened what: every look of a person at a student's conversation is stored, and the student sees the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.crypto import SubjectKey
from core.ids import CaseId, ConversationId, StudentId, new_id
from db.access import Tx
from tools.people.keys import student_key
from tools.people.people import read_profile, require_staff, require_student


class Seen(StrEnum):
    """What a person looked at."""

    CASE = "case"
    """The case: facts, answers, the flagged passages."""
    TRANSCRIPT = "transcript"
    """The whole conversation."""
    EVIDENCE = "evidence"
    """Why it was flagged: rules and scores."""
    DISPATCH = "dispatch"
    """The sheet for emergency services: who, where, the danger."""
    EXAMPLE = "example"
    """Flagged messages once more, masked, to keep them as examples with the student's consent."""


@dataclass(frozen=True, slots=True)
class Access:
    """One look."""

    at: datetime
    who: str
    """The name of the person, as staff of the institution."""
    role: str
    what: Seen
    conversation_id: ConversationId | None


async def note_access(
    tx: Tx,
    key: SubjectKey,
    student: StudentId,
    conversation: ConversationId | None,
    case: CaseId,
    what: Seen,
    *,
    at: datetime,
) -> None:
    """Store that the acting member of staff looked; their name is sealed under the student's key."""
    actor = require_staff(tx)
    entry = new_id()
    name = (await read_profile(tx, actor)).name
    await tx.conn.execute(
        "insert into access_log (id, institution_id, student_id, actor_id, actor_role, what, object_id,"
        " conversation_id, actor_name_sealed, at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            entry, tx.who.institution_id, student, actor, tx.who.role, what, case, conversation,
            key.seal(name, f"access_log.actor:{entry}"), at,
        ),
    )  # fmt: skip


async def accesses(tx: Tx, conversation: ConversationId | None = None) -> list[Access]:
    """Return who opened the acting student's conversation, or any of them and those that are deleted; newest first."""
    key = await student_key(tx)
    cursor = await tx.conn.execute(
        "select id, at, actor_name_sealed, actor_role, what, conversation_id from access_log"
        " where student_id = %(student)s and (%(conversation)s::uuid is null or conversation_id = %(conversation)s)"
        " order by at desc, id desc",
        {"student": require_student(tx), "conversation": conversation},
    )
    return [
        Access(at, _name(key, entry, name), role, Seen(what), ConversationId(about) if about else None)
        for entry, at, name, role, what, about in await cursor.fetchall()
    ]


def _name(key: SubjectKey, entry: UUID, sealed: bytes | None) -> str:
    return key.open(sealed, f"access_log.actor:{entry}") if sealed else ""
