"""Cases: opened and raised by the script, lowered and closed by people only; their events are append-only facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.ids import CaseId, ConversationId, new_id
from db.access import Tx
from safety.triage_types import DeliveryFacts
from safety.types import Category, Severity, highest
from tools.people.people import require_student


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """The open case of a conversation."""

    id: CaseId
    category: Category
    severity: Severity
    status: str


async def open_case_of(tx: Tx, conversation: ConversationId) -> OpenedCase | None:
    """Return the conversation's case that is not closed, if there is one."""
    cursor = await tx.conn.execute(
        "select id, category, severity, status from cases where conversation_id = %s and status <> 'closed'",
        (conversation,),
    )
    row = await cursor.fetchone()
    return OpenedCase(CaseId(row[0]), Category(row[1]), Severity(row[2]), row[3]) if row else None


async def open_case(
    tx: Tx,
    conversation: ConversationId,
    *,
    category: Category,
    severity: Severity,
    tier: str,
    at: datetime,
    due_at: datetime | None,
) -> CaseId:
    """Open a case, or return the open one, raised where this is worse."""
    existing = await open_case_of(tx, conversation)
    if existing is not None:
        await raise_case(tx, existing, category=category, severity=severity, tier=tier, due_at=due_at, at=at)
        return existing.id
    case = CaseId(new_id())
    await tx.conn.execute(
        "insert into cases"
        " (id, institution_id, student_id, conversation_id, category, severity, tier, opened_at, due_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (case, tx.who.institution_id, require_student(tx), conversation, category, severity, tier, at, due_at),
    )
    await record(tx, case, "opened", at=at, facts={"category": category, "severity": severity, "tier": tier})
    return case


async def raise_case(
    tx: Tx,
    case: OpenedCase,
    *,
    category: Category,
    severity: Severity,
    tier: str,
    due_at: datetime | None,
    at: datetime,
) -> None:
    """Raise a case; its severity never falls here, and its deadline never moves later."""
    worse = highest(case.severity, severity)
    await tx.conn.execute(
        "update cases set severity = %s, category = case when %s then %s else category end, tier = %s,"
        " due_at = least(due_at, %s) where id = %s",
        (worse, severity.rank > case.severity.rank, category, tier, due_at, case.id),
    )
    await record(tx, case.id, "raised", at=at, facts={"category": category, "severity": worse, "tier": tier})


async def record(
    tx: Tx,
    case: CaseId,
    kind: str,
    *,
    at: datetime,
    facts: dict[str, Any] | None = None,
    channel: str | None = None,
    sealed: bytes | None = None,
) -> UUID:
    """Append a fact to the case; `facts` hold words of the protocol, `sealed` a person's words."""
    event = new_id()
    await tx.conn.execute(
        "insert into case_events"
        " (id, case_id, institution_id, student_id, kind, actor_id, channel, facts, body_sealed, at)"
        " select %s, c.id, c.institution_id, c.student_id, %s, %s, %s, %s, %s, %s from cases c where c.id = %s",
        (event, kind, tx.who.account_id, channel, Jsonb(facts or {}), sealed, at, case),
    )
    return event


async def delivery_facts(tx: Tx, conversation: ConversationId) -> DeliveryFacts | None:
    """Return what is stored about the delivery of the conversation's newest case; None without a case."""
    cursor = await tx.conn.execute(
        """select (select min(sent_at) from deliveries d where d.case_id = c.id), c.first_opened_at, c.writing_at, c.last_person_at, c.closed_at, c.due_at
           from cases c where c.conversation_id = %s order by c.opened_at desc limit 1""",
        (conversation,),
    )
    row = await cursor.fetchone()
    return DeliveryFacts(*row) if row else None
