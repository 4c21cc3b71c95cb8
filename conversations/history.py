"""Conversations as the student sees them: begin, list, read, delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from core.errors import NotFound
from core.ids import ConversationId, MessageId, TurnId, new_id
from db.access import Tx
from safety.types import Mode
from tools.people.keys import student_key
from tools.people.people import require_student

SEEN_EVERY = timedelta(seconds=5)
"""A page asks every few seconds; written down less often."""


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """One line of the history."""

    id: ConversationId
    mode: Mode
    title: str
    """The beginning of the first message; empty before there is one."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with what belongs to it: citations and tools of a reply, choices and lines of the script."""

    id: MessageId
    turn_id: TurnId | None
    author: str
    text: str
    extras: dict[str, Any]
    created_at: datetime


async def begin(tx: Tx, *, at: datetime, conversation: ConversationId | None = None) -> ConversationId:
    """Begin a conversation of the acting student, under an id that is free or a new one."""
    conversation = conversation or ConversationId(new_id())
    await tx.conn.execute(
        "insert into conversations (id, institution_id, student_id, created_at, updated_at) values (%s, %s, %s, %s, %s)",
        (conversation, tx.who.institution_id, require_student(tx), at, at),
    )
    return conversation


async def list_conversations(tx: Tx, *, limit: int = 30) -> list[ConversationSummary]:
    """Return the acting student's conversations, newest first."""
    key = await student_key(tx)
    cursor = await tx.conn.execute(
        """select c.id, c.mode, c.created_at, c.updated_at, m.id, m.body_sealed
           from conversations c
           left join lateral (select id, body_sealed from messages where conversation_id = c.id and author = 'student'
                              order by seq limit 1) m on true
           where c.student_id = %s and c.delete_requested_at is null order by c.updated_at desc limit %s""",
        (require_student(tx), limit),
    )
    return [
        ConversationSummary(
            id_, Mode(mode), _title(key.open(body, f"messages.body:{message}")) if body else "", made, at
        )
        for id_, mode, made, at, message, body in await cursor.fetchall()
    ]


async def read_messages(tx: Tx, conversation: ConversationId, *, limit: int = 200) -> list[StoredMessage]:
    """Return the newest messages of the acting student's conversation, oldest first; raises `NotFound`."""
    await require_conversation(tx, conversation)
    key = await student_key(tx)
    cursor = await tx.conn.execute(
        "select id, turn_id, author, body_sealed, extras_sealed, created_at from messages where conversation_id = %s"
        " order by seq desc, part desc limit %s",
        (conversation, limit),
    )
    messages = [
        StoredMessage(
            MessageId(id_),
            TurnId(turn) if turn else None,
            author,
            key.open(body, f"messages.body:{id_}"),
            orjson.loads(key.open(extras, f"messages.extras:{id_}")) if extras else {},
            at,
        )
        for id_, turn, author, body, extras, at in await cursor.fetchall()
    ]
    return messages[::-1]


async def require_conversation(tx: Tx, conversation: ConversationId) -> Mode:
    """Return the mode of the acting student's conversation; raises `NotFound` for anybody else's."""
    cursor = await tx.conn.execute(
        "select mode from conversations where id = %s and student_id = %s and delete_requested_at is null",
        (conversation, require_student(tx)),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such conversation.")
    return Mode(row[0])


async def note_presence(tx: Tx, conversation: ConversationId, *, at: datetime) -> None:
    """Keep that the acting student's page of a conversation is open, while the script or a person is in it.

    A counselor sees it as 'online'; in ordinary conversations nothing is kept.
    """
    await tx.conn.execute(
        "update conversations set seen_at = %s where id = %s and student_id = %s and mode <> 'ordinary'"
        " and (seen_at is null or seen_at < %s)",
        (at, conversation, require_student(tx), at - SEEN_EVERY),
    )


async def delete_conversation(
    tx: Tx, conversation: ConversationId, *, at: datetime, keep_entries: bool = False
) -> bool:
    """Delete a conversation and what came from it; False when it waits for an open case to close.

    Mood entries and tasks that were made in it go with it unless `keep_entries`. A case keeps its own facts, never
    the words. Raises `NotFound`.
    """
    cursor = await tx.conn.execute("select delete_conversation(%s, %s, %s)", (conversation, at, keep_entries))
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        raise NotFound("There is no such conversation.")
    return bool(row[0])


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59].rstrip() + "…"
