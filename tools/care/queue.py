"""The counselor's queue: what needs a person, in the order in which it needs one. No words of a student are in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from core.ids import AccountId, CaseId
from db.access import Tx
from safety.policy import Tier, load_policy
from safety.types import Category, Mode, Severity
from tools.people.people import read_profile, require_staff

CASES = """
select c.id, c.category, coalesce(c.newest_category, c.category) as newest_category, c.severity, c.tier, c.status,
       c.opened_at, coalesce(c.paged_at, c.opened_at) as waiting_since,
       c.due_at, c.acknowledged_at, c.claimed_by, c.claimed_at, c.offered_to, c.follow_up_at, c.confidential, v.mode,
       (select max(t.created_at) from turns t where t.conversation_id = c.conversation_id) as last_seen_at,
       greatest(c.claimed_at, c.last_person_at, c.writing_at,
                (select max(e.at) from case_events e where e.case_id = c.id and e.actor_id = c.claimed_by
                 and e.kind = any(%(acts)s))) as last_act_at
from cases c left join conversations v on v.id = c.conversation_id
where c.status <> 'closed' and c.tier <> 'none'
"""
"""Nobody was told of a case of tier none: it is no work for anybody, and row-level security keeps it from everybody."""
ACTS = ("counselor_note", "regraded", "offered", "follow_up_planned", "disclosed", "joined", "handed_back")
"""Acts of whoever has a case that show that they are on it."""
SILENT_TWICE = 2
"""A case that was claimed and not touched for this many times its deadline needs somebody else's eyes."""
COLLEAGUES = """
select a.id, a.role from accounts a left join staff s on s.account_id = a.id
where a.role in ('counselor', 'supervisor') and a.status = 'active' and not a.synthetic and a.id <> %(me)s
  and (not %(confidential)s or coalesce(s.confidential, false))
order by a.created_at
"""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another member of the same institution's staff."""

    id: AccountId
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One open case as the queue shows it."""

    id: CaseId
    category: Category
    newest_category: Category
    """What the newest words are about; `category` is that of the worst."""
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
    silent_since: datetime | None
    """Since when the person who has it has done nothing although the student waits; None while there is no such wait."""
    pinned: bool
    """A person was called or it is grave, and nobody has acknowledged it or whoever has it is silent."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The open cases in order, with what a shift must know at a glance."""

    entries: tuple[QueueEntry, ...]
    unassigned: int
    overdue: int
    mine: int


async def read_queue(tx: Tx, *, at: datetime) -> Queue:
    """Return the open cases that the acting member of staff may see.

    Order: what pages and waits for a person first, then by severity, then by the longest wait.
    """
    me = require_staff(tx)
    async with tx.conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(CASES, {"acts": list(ACTS)})).fetchall()
    claimed_by = {row["claimed_by"] for row in rows if row["claimed_by"]}
    names = {account: await colleague_name(tx, account) for account in claimed_by}
    entries = [_entry(row, names, me, at) for row in rows]
    entries.sort(key=lambda entry: (not entry.pinned, -entry.severity.rank, entry.waiting_since))
    return Queue(
        entries=tuple(entries),
        unassigned=sum(entry.claimed_by is None for entry in entries),
        overdue=sum(entry.overdue for entry in entries),
        mine=sum(entry.claimed_by == me for entry in entries),
    )


async def colleague_name(tx: Tx, account: UUID) -> str:
    """Return the name of a member of the same institution's staff."""
    return (await read_profile(tx, account)).name


async def colleagues(tx: Tx, *, confidential: bool = False) -> list[Colleague]:
    """Return whom the acting member of staff can hand a case to; a `confidential` one only to confidential staff."""
    me = require_staff(tx)
    cursor = await tx.conn.execute(COLLEAGUES, {"me": me, "confidential": confidential})
    return [Colleague(AccountId(id_), await colleague_name(tx, id_), role) for id_, role in await cursor.fetchall()]


def _entry(row: dict[str, Any], names: dict[UUID, str], me: AccountId, at: datetime) -> QueueEntry:
    tier, holder = Tier(row["tier"]), row["claimed_by"]
    waits, due, follow_up = row["acknowledged_at"] is None, row["due_at"], row["follow_up_at"]
    silent_since = _silent_since(row, tier, at)
    grave = tier.pages or (Severity(row["severity"]).rank >= Severity.HIGH.rank and tier is not Tier.NONE)
    return QueueEntry(
        id=CaseId(row["id"]),
        category=Category(row["category"]),
        newest_category=Category(row["newest_category"]),
        severity=Severity(row["severity"]),
        tier=tier,
        status=row["status"],
        opened_at=row["opened_at"],
        waiting_since=row["waiting_since"],
        due_at=due,
        acknowledged_at=row["acknowledged_at"],
        claimed_by=AccountId(holder) if holder else None,
        claimed_by_name=names.get(holder) if holder else None,
        offered_to_me=row["offered_to"] == me,
        follow_up_at=follow_up,
        confidential=row["confidential"],
        mode=Mode(row["mode"]) if row["mode"] else None,
        last_seen_at=row["last_seen_at"],
        overdue=(waits and due is not None and due < at) or (follow_up is not None and follow_up < at),
        silent_since=silent_since,
        pinned=grave and (waits or silent_since is not None),
    )


def _silent_since(row: dict[str, Any], tier: Tier, at: datetime) -> datetime | None:
    """Since when nothing came from whoever has the case: in the conversation after the student wrote, else at all."""
    policy, last = load_policy(), row["last_act_at"]
    if row["claimed_by"] is None or last is None:
        return None
    if row["status"] == "live":
        wrote = row["last_seen_at"]
        unanswered = wrote is not None and wrote > last and at - wrote >= policy.timing.person_silent
        return wrote if unanswered else None
    within = policy.tiers[tier].ack_within
    untouched = tier.pages and within is not None and last == row["claimed_at"] and at - last >= SILENT_TWICE * within
    return last if untouched else None
