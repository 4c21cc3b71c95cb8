"""What happened in a case: stored facts in order, with the words that staff or the student left there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.crypto import SubjectKey, Unreadable
from core.errors import NotFound
from core.ids import CaseId
from db.access import Tx
from tools.care.dossier.said import UNREADABLE
from tools.care.queue import colleague_name

EVENTS = """
select id, at, kind, actor_id, student_id, facts, body_sealed from case_events where case_id = %s order by at, id
"""
NAMED = ("to", "from")
"""Facts that name another member of staff by id."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One fact of the case."""

    at: datetime
    kind: str
    by: str | None
    """A colleague's name, `student`, or None for the service itself."""
    about: str | None
    """The colleague whom an act names: to whom a case was offered, from whom it was taken."""
    facts: dict[str, Any]
    words: str | None


async def read_history(tx: Tx, key: SubjectKey, case: CaseId) -> list[Happened]:
    """Return the facts of a case, oldest first."""
    names = _Names(tx)
    happened = []
    for id_, at, kind, actor, student, facts, sealed in await (await tx.conn.execute(EVENTS, (case,))).fetchall():
        by = "student" if actor == student else await names.of(actor)
        happened.append(Happened(at, kind, by, await names.about(kind, facts), facts, _words(key, id_, sealed)))
    return happened


def _words(key: SubjectKey, event: UUID, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    try:
        return key.open(sealed, f"case_events.body:{event}")
    except Unreadable:
        return UNREADABLE


class _Names:
    """Names of colleagues, each read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[UUID, str | None] = {}

    async def of(self, account: UUID | None) -> str | None:
        if account is None:
            return None
        if account not in self._known:
            try:
                self._known[account] = await colleague_name(self._tx, account)
            except NotFound:
                self._known[account] = None  # Their account is gone; that they acted stays on record.
        return self._known[account]

    async def about(self, kind: str, facts: dict[str, Any]) -> str | None:
        if kind not in ("offered", "taken_over"):
            return None
        named = next((str(facts[name]) for name in NAMED if name in facts), None)
        return await self.of(UUID(named)) if named else None
