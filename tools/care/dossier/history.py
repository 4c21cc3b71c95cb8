"""What happened in a case and before it, and who was told: stored facts in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.crypto import SubjectKey
from core.errors import NotFound
from core.ids import CaseId
from db.access import Tx
from tools.care.facts import CaseFacts
from tools.care.queue import colleague_name


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: to whom, how, and what became of it."""

    channel: str
    rung: str
    reason: str
    state: str
    committed_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One fact of the case in order."""

    at: datetime
    kind: str
    by: str | None
    facts: dict[str, Any]
    words: str | None


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """A case of the past: facts only."""

    opened_at: datetime
    category: str
    severity: str
    outcome: str | None


async def read_history(tx: Tx, key: SubjectKey, case: CaseId) -> list[Happened]:
    """Return the facts of a case, oldest first, with the words that staff or the student left there."""
    cursor = await tx.conn.execute(
        "select e.id, e.at, e.kind, e.actor_id, e.student_id, e.facts, e.body_sealed from case_events e"
        " where e.case_id = %s order by e.at, e.id",
        (case,),
    )
    happened = []
    for id_, at, kind, actor, student, facts, sealed in await cursor.fetchall():
        words = key.open(sealed, f"case_events.body:{id_}") if sealed else None
        happened.append(Happened(at, kind, await _actor(tx, actor, student), facts, words))
    return happened


async def _actor(tx: Tx, actor: UUID | None, student: UUID) -> str | None:
    if actor is None or actor == student:
        return None if actor is None else "student"
    try:
        return await colleague_name(tx, actor)
    except NotFound:
        return None


async def read_told(tx: Tx, case: CaseId) -> tuple[Told, ...]:
    """Return every notice of a case, oldest first."""
    cursor = await tx.conn.execute(
        "select channel, rung, reason, state, created_at, sent_at, last_error from deliveries where case_id = %s"
        " order by created_at, id",
        (case,),
    )
    return tuple(Told(*row) for row in await cursor.fetchall())


async def read_earlier(tx: Tx, facts: CaseFacts) -> tuple[EarlierCase, ...]:
    """Return the student's other cases, newest first."""
    cursor = await tx.conn.execute(
        "select opened_at, category, severity, outcome from cases where student_id = %s and id <> %s"
        " order by opened_at desc limit 10",
        (facts.student_id, facts.id),
    )
    return tuple(EarlierCase(*row) for row in await cursor.fetchall())
