"""The queue's rows: facts in words, with the clocks that a shift works by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.web.times import span
from core.ids import AccountId
from tools.care.queue import Queue, QueueEntry


@dataclass(frozen=True, slots=True)
class Row:
    """One case in the queue."""

    entry: QueueEntry
    waiting: str
    """How long it has waited, in words."""
    deadline: str
    """What is due, in words; empty when nothing is."""
    holder: str
    last_seen: str


def rows(queue: Queue, me: AccountId, now: datetime) -> list[Row]:
    """The queue's cases with their clocks in words."""
    return [
        Row(
            entry,
            span(now - entry.waiting_since),
            _deadline(entry, now),
            _holder(entry, me),
            _last_seen(entry, now),
        )
        for entry in queue.entries
    ]


def _deadline(entry: QueueEntry, now: datetime) -> str:
    if entry.acknowledged_at is None and entry.due_at is not None:
        return (
            f"Overdue by {span(now - entry.due_at)}"
            if entry.due_at < now
            else f"Answer within {span(entry.due_at - now)}"
        )
    if entry.follow_up_at is not None:
        late = entry.follow_up_at < now
        return (
            f"Follow-up late by {span(now - entry.follow_up_at)}"
            if late
            else f"Follow up in {span(entry.follow_up_at - now)}"
        )
    return ""


def _last_seen(entry: QueueEntry, now: datetime) -> str:
    if entry.silent_since is not None and entry.status == "live":
        return f"wrote {span(now - entry.silent_since)} ago, no answer yet"
    if entry.silent_since is not None:
        return f"claimed {span(now - entry.silent_since)} ago, nothing done since"
    return f"wrote {span(now - entry.last_seen_at)} ago" if entry.last_seen_at else ""


def _holder(entry: QueueEntry, me: AccountId) -> str:
    if entry.offered_to_me:
        return f"{entry.claimed_by_name} hands this to you"
    if entry.claimed_by == me:
        return "Yours"
    return entry.claimed_by_name or "Unassigned"
