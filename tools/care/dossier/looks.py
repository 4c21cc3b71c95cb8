"""Looks: each time a person reads a student's words is stored, and what an open page is sent belongs to its look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from core.crypto import SubjectKey
from core.ids import CaseId, ConversationId
from db.access import Tx
from tools.care.access import Seen, note_access
from tools.care.cases import record
from tools.care.dossier.said import Quote, read_all
from tools.care.facts import CaseFacts, read_open_case
from tools.people.keys import subject_key

LOOK_LASTS = timedelta(minutes=30)
"""A page that stays open longer is another look."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Why a message was flagged: verdict, score and the rules that spoke."""

    message_id: UUID
    at: datetime
    category: str
    severity: str
    score: float
    version: str
    evidence: tuple[dict[str, Any], ...]


async def look(tx: Tx, case: CaseId, what: Seen, *, at: datetime) -> tuple[CaseFacts, SubjectKey]:
    """Store that the acting person looks, and return the case and the key to the student's words.

    Raises `NotFound` for a case that they may not see, or that is closed.
    """
    facts = await read_open_case(tx, case)
    key = await subject_key(tx, facts.student_id)
    await note_access(tx, key, facts.student_id, facts.conversation_id, case, what, at=at)
    if what is Seen.CASE:
        await record(tx, case, "looked", at=at)
    return facts, key


async def go_on_looking(tx: Tx, case: CaseId, *, at: datetime) -> tuple[CaseFacts, SubjectKey]:
    """Return the case and the key for a page that is open; stores a look unless the person's last one still counts."""
    facts = await read_open_case(tx, case)
    cursor = await tx.conn.execute(
        "select 1 from case_events where case_id = %s and kind = 'looked' and actor_id = %s and at > %s limit 1",
        (case, tx.who.account_id, at - LOOK_LASTS),
    )
    if await cursor.fetchone() is None:
        return await look(tx, case, Seen.CASE, at=at)
    return facts, await subject_key(tx, facts.student_id)


async def open_transcript(tx: Tx, case: CaseId, *, at: datetime) -> tuple[Quote, ...]:
    """Return the whole conversation, oldest first; a look of its own. Raises `NotFound`."""
    facts, key = await look(tx, case, Seen.TRANSCRIPT, at=at)
    return tuple(await read_all(tx, key, facts.conversation_id))


async def open_evidence(tx: Tx, case: CaseId, *, at: datetime) -> tuple[Judged, ...]:
    """Return rules and scores of the flagged messages; a look of its own. Raises `NotFound`."""
    facts, key = await look(tx, case, Seen.EVIDENCE, at=at)
    return await read_evidence(tx, key, facts.conversation_id)


async def read_evidence(tx: Tx, key: SubjectKey, conversation: ConversationId | None) -> tuple[Judged, ...]:
    """Return the screenings of a conversation that left the ordinary path, oldest first."""
    cursor = await tx.conn.execute(
        "select message_id, created_at, category, severity, score, version, evidence_sealed from screenings"
        " where conversation_id = %s and (crisis or clarify) order by created_at",
        (conversation,),
    )
    return tuple(
        Judged(id_, at, category, severity, score, version, tuple(orjson.loads(key.open(sealed, _evidence(id_)))))
        for id_, at, category, severity, score, version, sealed in await cursor.fetchall()
    )


def _evidence(message: UUID) -> str:
    return f"screenings.evidence:{message}"
