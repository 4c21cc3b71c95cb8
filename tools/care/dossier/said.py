"""What was said, as staff read it: the flagged turns with those around them, what came since, the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.crypto import SubjectKey, Unreadable
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Tx

log = get_logger("care.dossier")
AROUND = 5
"""Turns shown before and after a flagged one."""
FLAGGED_AT_MOST = 20
UNREADABLE = "[This message is stored, and could not be read.]"
MESSAGES = """
select m.id, m.author, m.body_sealed, m.created_at, m.seq, coalesce(s.crisis or s.clarify, false)
from messages m left join screenings s on s.message_id = m.id
"""
ALL = f"{MESSAGES} where m.conversation_id = %(conversation)s order by m.seq, m.part"
NEWER = f"""{MESSAGES} join messages a on a.id = %(after)s and a.conversation_id = m.conversation_id
where m.conversation_id = %(conversation)s and m.created_at >= %(since)s and (m.seq, m.part) > (a.seq, a.part)
order by m.seq, m.part
"""
SINCE = f"""{MESSAGES}
where m.conversation_id = %(conversation)s and m.created_at >= %(since)s order by m.seq, m.part
"""


@dataclass(frozen=True, slots=True)
class Quote:
    """One message of the conversation."""

    id: UUID
    author: str
    text: str
    at: datetime
    turn: int
    """Number of its turn: a message and what was said in answer to it share one."""
    flagged: bool


async def read_all(tx: Tx, key: SubjectKey, conversation: ConversationId | None) -> list[Quote]:
    """Return the whole conversation, oldest first."""
    return await _read(tx, key, ALL, conversation=conversation)


async def read_newer(
    tx: Tx, key: SubjectKey, conversation: ConversationId | None, after: UUID | None, since: datetime
) -> list[Quote]:
    """Return the messages since a moment, those after one that is on the page already; never what was said before."""
    statement = SINCE if after is None else NEWER
    return await _read(tx, key, statement, conversation=conversation, after=after, since=since)


def around_flagged(messages: Sequence[Quote]) -> tuple[Quote, ...]:
    """Return the flagged turns with the five turns before and after each, oldest first."""
    turns = sorted({quote.turn for quote in messages})
    place = {turn: index for index, turn in enumerate(turns)}
    flagged = [place[quote.turn] for quote in messages if quote.flagged][-FLAGGED_AT_MOST:]
    shown = {near for index in flagged for near in range(index - AROUND, index + AROUND + 1)}
    return tuple(quote for quote in messages if place[quote.turn] in shown)


async def _read(tx: Tx, key: SubjectKey, statement: str, **values: object) -> list[Quote]:
    cursor = await tx.conn.execute(statement, values)
    return [
        Quote(id_, author, _text(key, id_, body), at, turn, flagged)
        for id_, author, body, at, turn, flagged in await cursor.fetchall()
    ]


def _text(key: SubjectKey, message: UUID, body: bytes) -> str:
    """One message that is damaged must not hide the others from the person who has to act."""
    try:
        return key.open(body, f"messages.body:{message}")
    except Unreadable:
        log.error("message_unreadable", id=str(message))
        return UNREADABLE
