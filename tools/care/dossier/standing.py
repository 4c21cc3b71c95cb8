"""What may change while a case is open on a page: who has it, how the conversation is answered, what was said since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.ids import CaseId
from db.access import Tx
from safety.types import Mode
from tools.care.dossier.conversation import Presence, presence
from tools.care.dossier.looks import go_on_looking
from tools.care.dossier.said import Quote, read_newer
from tools.care.facts import CaseFacts, read_case
from tools.care.queue import colleague_name

CONVERSATION = """
select c.mode, c.seen_at, (select max(t.created_at) from turns t where t.conversation_id = c.id)
from conversations c where c.id = %s
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands."""

    case: CaseFacts
    mode: Mode | None
    """None when the conversation is gone."""
    presence: Presence
    holder: str | None
    mine: bool
    offered_to_me: bool

    @property
    def live(self) -> bool:
        """Whether a person is in the conversation."""
        return self.case.status == "live"

    @property
    def acts(self) -> str:
        """Changes whenever the acts that are possible change."""
        return _digest(self.case, self.mode, self.holder)

    @property
    def strip(self) -> str:
        """Changes whenever what is shown of the student changes."""
        return _digest(self.presence.online, self.presence.wrote_at)


async def read_standing(tx: Tx, case: CaseId, *, at: datetime) -> Standing:
    """Read where a case stands: facts only, no look. Raises `NotFound`."""
    facts = await read_case(tx, case)
    row = await (await tx.conn.execute(CONVERSATION, (facts.conversation_id,))).fetchone()
    mode, seen, wrote = row or (None, None, None)
    me = tx.who.account_id
    return Standing(
        case=facts,
        mode=Mode(mode) if mode else None,
        presence=presence(seen, wrote, at=at),
        holder=await colleague_name(tx, facts.claimed_by) if facts.claimed_by else None,
        mine=facts.claimed_by == me,
        offered_to_me=facts.offered_to == me,
    )


async def newer_messages(tx: Tx, case: CaseId, after: UUID | None, *, at: datetime) -> list[Quote]:
    """Return what was said after a message that the page shows already, or since the case was opened.

    It belongs to the look that opened the page. Raises `NotFound` for a case that is closed or not the person's to see.
    """
    facts, key = await go_on_looking(tx, case, at=at)
    return await read_newer(tx, key, facts.conversation_id, after, facts.opened_at)


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
