"""A case as its page shows it: the dossier in the order in which a counselor needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.web.console_view import console_words
from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.types import Mode
from tools.care.acts import CaseFacts, read_case
from tools.care.dossier import Answered, Quote, Told
from tools.care.queue import colleague_name
from tools.people.keys import subject_key

MESSAGES = """
select m.id, m.author, m.body_sealed, m.created_at, coalesce(s.crisis or s.clarify, false)
from messages m left join screenings s on s.message_id = m.id
"""
NEWER = f"""{MESSAGES} join messages a on a.id = %(after)s and a.conversation_id = m.conversation_id
where m.conversation_id = %(conversation)s and (m.seq, m.part) > (a.seq, a.part) order by m.seq, m.part
"""
SINCE_OPENED = f"""{MESSAGES}
where m.conversation_id = %(conversation)s and m.created_at >= %(opened)s order by m.seq, m.part
"""
CONVERSATION = """
select c.mode, (select max(t.created_at) from turns t where t.conversation_id = c.id)
from conversations c where c.id = %s
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What may change while the page is open."""

    case: CaseFacts
    mode: Mode | None
    last_seen_at: datetime | None
    holder: str | None
    mine: bool
    offered_to_me: bool

    @property
    def live(self) -> bool:
        return self.case.status == "live"

    @property
    def seen(self) -> str:
        """Changes whenever the acts that are possible change."""
        return hashlib.sha256(repr((self.case, self.mode, self.holder)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Glance:
    """One of the first things to know, with the newest answer that says it; None when nobody asked."""

    name: str
    answer: Answered | None


def glances(answers: Sequence[Answered]) -> list[Glance]:
    """The first things to know, in order."""
    named: Mapping[str, str] = console_words()["glance"]
    newest = {answer.item: answer for answer in answers}
    found = []
    for name, items in named.items():
        known = [newest[item] for item in items if item in newest]
        found.append(Glance(name, max(known, key=lambda answer: answer.at, default=None)))
    return found


def told_once(told: Sequence[Told]) -> list[Told]:
    """The newest notice of each way and rung."""
    return list({(entry.channel, entry.rung): entry for entry in told}.values())


async def standing(tx: Tx, case: CaseId) -> Standing:
    """Read what may have changed; raises `NotFound`. It opens nothing: the look was stored when the page was."""
    facts = await read_case(tx, case)
    row = await (await tx.conn.execute(CONVERSATION, (facts.conversation_id,))).fetchone()
    holder = await colleague_name(tx, facts.claimed_by) if facts.claimed_by else None
    me = tx.who.account_id
    mode, seen = (Mode(row[0]), row[1]) if row else (None, None)
    return Standing(facts, mode, seen, holder, facts.claimed_by == me, facts.offered_to == me)


async def newer_messages(tx: Tx, facts: CaseFacts, after: UUID | None) -> list[Quote]:
    """Messages after one that the page shows already, or since the case was opened; part of the same look.

    Never the conversation before: to read the whole is a look of its own.
    """
    conversation: ConversationId | None = facts.conversation_id
    key = await subject_key(tx, facts.student_id)
    statement = SINCE_OPENED if after is None else NEWER
    values = {"conversation": conversation, "after": after, "opened": facts.opened_at}
    cursor = await tx.conn.execute(statement, values)
    return [
        Quote(id_, author, key.open(body, f"messages.body:{id_}"), at, flagged)
        for id_, author, body, at, flagged in await cursor.fetchall()
    ]
