"""The counselor's queue: what needs a person, in the order in which it needs one. No words of a student are in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ids import AccountId, CaseId, new_id
from db.access import Tx
from safety.policy import Tier
from safety.types import Category, Mode, Severity
from tools.people.people import read_profile, require_staff

CASES = """
select c.id, c.category, c.severity, c.tier, c.status, c.opened_at, coalesce(c.paged_at, c.opened_at), c.due_at,
       c.acknowledged_at, c.claimed_by, c.offered_to, c.follow_up_at, c.confidential, v.mode,
       (select max(t.created_at) from turns t where t.conversation_id = c.conversation_id)
from cases c left join conversations v on v.id = c.conversation_id
where c.status <> 'closed'
"""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One open case as the queue shows it."""

    id: CaseId
    category: Category
    severity: Severity
    tier: Tier
    status: str
    opened_at: datetime
    waiting_since: datetime
    """When a person was last called, or the case was opened."""
    due_at: datetime | None
    acknowledged_at: datetime | None
    claimed_by: AccountId | None
    claimed_by_name: str | None
    offered_to_me: bool
    follow_up_at: datetime | None
    confidential: bool
    mode: Mode | None
    """None when the conversation is gone."""
    last_seen_at: datetime | None
    """When the student last wrote."""
    overdue: bool
    pinned: bool
    """A person was called and nobody has acknowledged it."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The open cases in order, with what a shift must know at a glance."""

    entries: tuple[QueueEntry, ...]
    unassigned: int
    overdue: int
    mine: int


async def read_queue(tx: Tx, *, at: datetime) -> Queue:
    """Return the open cases that the acting member of staff may see, and store that the console showed them.

    Order: what pages and waits for a person first, then by severity, then by the longest wait.
    """
    me = require_staff(tx)
    rows = await (await tx.conn.execute(CASES)).fetchall()
    names = {claimed: await colleague_name(tx, claimed) for claimed in {row[9] for row in rows if row[9]}}
    entries = [_entry(row, names, me, at) for row in rows]
    entries.sort(key=lambda entry: (not entry.pinned, -entry.severity.rank, entry.waiting_since))
    await _mark_shown(tx, at)
    return Queue(
        entries=tuple(entries),
        unassigned=sum(entry.claimed_by is None for entry in entries),
        overdue=sum(entry.overdue for entry in entries),
        mine=sum(entry.claimed_by == me for entry in entries),
    )


async def colleague_name(tx: Tx, account: UUID) -> str:
    """Return the name of a member of the same institution's staff."""
    return (await read_profile(tx, account)).name


async def colleagues(tx: Tx) -> list[tuple[AccountId, str, str]]:
    """Return id, name and role of the institution's staff, for a hand-over."""
    require_staff(tx)
    cursor = await tx.conn.execute(
        "select id, role from accounts where role in ('counselor', 'supervisor') and status = 'active'"
        " and not synthetic order by created_at"
    )
    return [(AccountId(id_), await colleague_name(tx, id_), role) for id_, role in await cursor.fetchall()]


def _entry(row: tuple[Any, ...], names: dict[UUID, str], me: AccountId, at: datetime) -> QueueEntry:
    (id_, category, severity, tier, status, opened, waiting, due, acknowledged, claimed, offered, follow_up,
     confidential, mode, seen) = row  # fmt: skip
    waits = acknowledged is None
    return QueueEntry(
        id=CaseId(id_),
        category=Category(category),
        severity=Severity(severity),
        tier=Tier(tier),
        status=status,
        opened_at=opened,
        waiting_since=waiting,
        due_at=due,
        acknowledged_at=acknowledged,
        claimed_by=AccountId(claimed) if claimed else None,
        claimed_by_name=names.get(claimed),
        offered_to_me=offered == me,
        follow_up_at=follow_up,
        confidential=confidential,
        mode=Mode(mode) if mode else None,
        last_seen_at=seen,
        overdue=(waits and due is not None and due < at) or (follow_up is not None and follow_up < at),
        pinned=waits and Tier(tier).pages,
    )


async def _mark_shown(tx: Tx, at: datetime) -> None:
    """The console is a channel like the others: a notice is sent when the queue with its case was handed over."""
    cursor = await tx.conn.execute(
        "update deliveries d set state = 'sent', sent_at = %s, attempts = attempts + 1 from cases c"
        " where c.id = d.case_id and d.channel = 'console' and d.state = 'committed'"
        " and (d.recipient_id is null or d.recipient_id = %s) returning d.id, d.student_id, d.attempts",
        (at, tx.who.account_id),
    )
    for delivery, student, number in await cursor.fetchall():
        await tx.conn.execute(
            "insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted, at)"
            " values (%s, %s, %s, %s, %s, %s, true, %s)",
            (new_id(), delivery, tx.who.institution_id, student, f"account:{tx.who.account_id}", number, at),
        )
