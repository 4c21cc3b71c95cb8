"""How a student wants to hear from the service on its own: of a check-in that waits, and of notes after a hard time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import NotFound
from db.access import Tx
from tools.people.people import require_student


class FollowUpBy(StrEnum):
    """Where a student hears that something waits for them."""

    HERE = "here"
    """On the page alone, when they next open it."""
    EMAIL = "email"
    """By a letter too. It says that something waits, and not what."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a student chose; nothing leaves the page unless they say so."""

    by: FollowUpBy
    caring: bool
    """Whether a counselor may send short notes without demand after a case."""


async def read_follow_up(tx: Tx) -> FollowUp:
    """Return what the student whose rows are open chose; raises `NotFound`."""
    cursor = await tx.conn.execute(
        "select follow_up_by, caring from profiles where account_id = %s", (require_student(tx),)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    return FollowUp(FollowUpBy(row[0]), row[1])


async def choose_follow_up(tx: Tx, chosen: FollowUp) -> None:
    """Store what the acting student chooses; it counts from now on, for what is planned already too."""
    await tx.conn.execute(
        "update profiles set follow_up_by = %s, caring = %s where account_id = %s",
        (chosen.by, chosen.caring, require_student(tx)),
    )
