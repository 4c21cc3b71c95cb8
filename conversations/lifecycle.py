"""A turn's life in the database: claimed under a lease, kept alive, finished once.

A turn may run only when no earlier turn of its conversation is unfinished, so ten messages are ten turns in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from conversations.events import Event, dump_events
from core.crypto import SubjectKey
from core.ids import ConversationId, InstitutionId, MessageId, StudentId, TurnId, new_id
from db.access import Connection, Tx

MOST_ATTEMPTS = 3

CLAIM = """
update turns set state = 'running', attempt = attempt + 1, lease_owner = %(owner)s, lease_until = %(until)s
where id = (
  select t.id from turns t
  where t.conversation_id = %(conversation)s and t.state in ('queued', 'running')
  order by t.seq limit 1 for update
) and (state = 'queued' or lease_until is null or lease_until < %(now)s)
returning id, seq, attempt,
  (select mode not in ('ordinary', 'guarded') from conversations c where c.id = conversation_id)
  or exists (select from turns later where later.conversation_id = turns.conversation_id and later.seq > turns.seq
             and later.path <> 'agent')
"""
IS_TAKEN = """
select mode not in ('ordinary', 'guarded')
       or exists (select from turns where conversation_id = c.id and seq > %s and path <> 'agent')
from conversations c where c.id = %s
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A turn that this process may run until its lease ends."""

    turn_id: TurnId
    seq: int
    attempt: int
    taken: bool
    """The script or a person has the conversation since the message came: nothing may speak beside them."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A turn that nobody runs any more."""

    turn_id: TurnId
    conversation_id: ConversationId
    student_id: StudentId
    institution_id: InstitutionId


async def claim_next(
    tx: Tx, conversation: ConversationId, *, owner: UUID, now: datetime, lease: timedelta
) -> Claim | None:
    """Claim the conversation's first unfinished turn; None when there is none or another process has it."""
    cursor = await tx.conn.execute(
        CLAIM, {"owner": owner, "until": now + lease, "conversation": conversation, "now": now}
    )
    row = await cursor.fetchone()
    return Claim(TurnId(row[0]), row[1], row[2], taken=row[3] is not False) if row else None


async def is_taken(tx: Tx, conversation: ConversationId, claim: Claim) -> bool:
    """Whether the script or a person has the conversation since: a reply that is still running must fall silent."""
    row = await (await tx.conn.execute(IS_TAKEN, (claim.seq, conversation))).fetchone()
    return row is None or row[0] is not False


async def extend(tx: Tx, turn_id: TurnId, *, owner: UUID, now: datetime, lease: timedelta) -> bool:
    """Show a sign of life; False when the lease was lost to another process."""
    cursor = await tx.conn.execute(
        "update turns set lease_until = %s where id = %s and lease_owner = %s and state = 'running'",
        (now + lease, turn_id, owner),
    )
    return cursor.rowcount == 1


async def finish(
    tx: Tx,
    key: SubjectKey,
    conversation: ConversationId,
    claim: Claim,
    *,
    owner: UUID,
    reply: str,
    extras: str,
    events: list[Event],
    versions: dict[str, Any],
    failed: bool,
    now: datetime,
) -> bool:
    """The second transaction: store the reply and end the turn; False when another process finished it."""
    sealed = key.seal(dump_events(events), f"turns.events:{claim.turn_id}")
    cursor = await tx.conn.execute(
        "update turns set state = %s, finished_at = %s, lease_owner = null, lease_until = null, events_sealed = %s,"
        " versions = versions || %s where id = %s and lease_owner = %s and state = 'running'",
        ("failed" if failed else "done", now, sealed, Jsonb(versions), claim.turn_id, owner),
    )
    if cursor.rowcount != 1:
        return False
    if reply:
        message_id = MessageId(new_id())
        await tx.conn.execute(
            "insert into messages (id, institution_id, student_id, conversation_id, turn_id, seq, part, author,"
            " body_sealed, extras_sealed, created_at) values (%s, %s, %s, %s, %s, %s, 1, 'companion', %s, %s, %s)",
            (
                message_id, tx.who.institution_id, tx.who.student_id, conversation, claim.turn_id, claim.seq,
                key.seal(reply, f"messages.body:{message_id}"),
                key.seal(extras, f"messages.extras:{message_id}"), now,
            ),
        )  # fmt: skip
    return True


async def give_up(tx: Tx, turn_id: TurnId, *, owner: UUID, now: datetime) -> None:
    """End a turn that cannot even be ended with a reply, for example because the student's key is gone."""
    await tx.conn.execute(
        "update turns set state = 'failed', finished_at = %s, lease_owner = null, lease_until = null"
        " where id = %s and lease_owner = %s and state = 'running'",
        (now, turn_id, owner),
    )


async def orphans(conn: Connection, at_most: int = 20) -> list[Orphan]:
    """Return turns of all students that are unfinished and have no living lease."""
    cursor = await conn.execute("select * from turns_to_take_over(%s)", (at_most,))
    return [
        Orphan(TurnId(turn), ConversationId(conversation), StudentId(student), InstitutionId(institution))
        for turn, conversation, student, institution in await cursor.fetchall()
    ]
