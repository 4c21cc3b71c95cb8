"""Cases: opened and raised by the script, lowered and closed by people only; their events are append-only facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.crypto import SubjectKey
from core.ids import AccountId, CaseId, ConversationId, new_id
from db.access import Tx
from safety.policy import Tier
from safety.triage.facts import DeliveryFacts
from safety.types import Category, Severity, highest
from tools.people.people import require_student

SERVICE = AccountId(UUID(int=0))
"""Acts where no person does: the worker. Its facts carry no actor."""
STILL_WRITING = timedelta(seconds=20)
"""A person who has not typed for so long is no longer writing."""


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """The open case of a conversation."""

    id: CaseId
    category: Category
    severity: Severity
    tier: Tier
    status: str


async def open_case_of(tx: Tx, conversation: ConversationId) -> OpenedCase | None:
    """Return the conversation's case that is not closed, if there is one."""
    cursor = await tx.conn.execute(
        "select id, category, severity, tier, status from cases where conversation_id = %s and status <> 'closed'",
        (conversation,),
    )
    row = await cursor.fetchone()
    return OpenedCase(CaseId(row[0]), Category(row[1]), Severity(row[2]), Tier(row[3]), row[4]) if row else None


async def open_case(
    tx: Tx,
    conversation: ConversationId,
    *,
    category: Category,
    severity: Severity,
    tier: Tier,
    at: datetime,
    due_at: datetime | None,
    confidential: bool = False,
) -> CaseId:
    """Open a case, or return the open one, raised where this is worse."""
    existing = await open_case_of(tx, conversation)
    if existing is not None:
        await raise_case(tx, existing, category=category, severity=severity, tier=tier, due_at=due_at, at=at)
        return existing.id
    case = CaseId(new_id())
    await tx.conn.execute(
        "insert into cases"
        " (id, institution_id, student_id, conversation_id, category, severity, tier, opened_at, due_at, confidential)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            case, tx.who.institution_id, require_student(tx), conversation, category, severity, tier, at, due_at,
            confidential,
        ),
    )  # fmt: skip
    await record(tx, case, "opened", at=at, facts={"category": category, "severity": severity, "tier": tier})
    return case


async def raise_case(
    tx: Tx,
    case: OpenedCase,
    *,
    category: Category,
    severity: Severity,
    tier: Tier,
    due_at: datetime | None,
    at: datetime,
) -> None:
    """Raise a case; its severity never falls here, and its deadline never moves later.

    `category` stays that of the worst words; what the newest are about is kept beside it, for a person must see both.
    """
    worse = highest(case.severity, severity)
    await tx.conn.execute(
        "update cases set severity = %s, category = case when %s then %s else category end,"
        " tier = case when %s then %s else tier end, due_at = least(due_at, %s), newest_category = %s where id = %s",
        (
            worse, severity.rank > case.severity.rank, category, tier.rank > case.tier.rank, tier, due_at, category,
            case.id,
        ),
    )  # fmt: skip
    await record(tx, case.id, "raised", at=at, facts={"category": category, "severity": worse, "tier": tier})


async def record(
    tx: Tx,
    case: CaseId,
    kind: str,
    *,
    at: datetime,
    facts: dict[str, Any] | None = None,
    channel: str | None = None,
    words: str | None = None,
    key: SubjectKey | None = None,
) -> UUID:
    """Append a fact to the case and return its id.

    `facts` hold words of the protocol only. A person's `words` are sealed with the student's `key`.
    """
    event = new_id()
    sealed = key.seal(words, f"case_events.body:{event}") if key is not None and words is not None else None
    actor = None if tx.who.account_id == SERVICE else tx.who.account_id
    await tx.conn.execute(
        "insert into case_events"
        " (id, case_id, institution_id, student_id, kind, actor_id, channel, facts, body_sealed, at)"
        " select %s, c.id, c.institution_id, c.student_id, %s, %s, %s, %s, %s, %s from cases c where c.id = %s",
        (event, kind, actor, channel, Jsonb(facts or {}), sealed, at, case),
    )
    return event


async def delivery_facts(tx: Tx, conversation: ConversationId, *, at: datetime | None = None) -> DeliveryFacts | None:
    """Return what is stored about the newest call for a person in the conversation's newest case; None without a case.

    `at` is the moment asked about, now by default: a person is writing only if they typed just before it.
    """
    cursor = await tx.conn.execute(
        """select (select min(sent_at) from deliveries d
                   where d.case_id = c.id and (c.paged_at is null or d.created_at >= c.paged_at)), c.first_opened_at,
                  case when c.writing_at > coalesce(%s, now()) - %s then c.writing_at end,
                  c.last_person_at, c.closed_at, c.due_at
           from cases c where c.conversation_id = %s order by c.opened_at desc limit 1""",
        (at, STILL_WRITING, conversation),
    )
    row = await cursor.fetchone()
    return DeliveryFacts(*row) if row else None
