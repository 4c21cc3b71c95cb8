"""Stores what the script does, in answer to a message or without one: ticks, a person joining or handing back.

The conversation's number is the guard: whoever read it first and writes first wins, the other reads again.
"""

from __future__ import annotations

from datetime import datetime

import orjson
from procrastinate import App

from conversations.crisis_events import crisis_payload
from conversations.snapshot import Snapshot
from core.crypto import SubjectKey
from core.ids import ConversationId, MessageId, TurnId, new_id
from db.access import Tx
from safety.triage.state import TriageState
from safety.triage.step import ScriptStep
from safety.types import Mode
from tools.care.escalation import apply_effects
from tools.people.people import require_student


async def take_number(
    tx: Tx, snapshot: Snapshot, mode: Mode, state: TriageState | None, *, at: datetime, tick_at: datetime | None = None
) -> bool:
    """Move the conversation to a mode and state under the next number; False when something came in between.

    `tick_at` is when the script is looked at again; None looks at once.
    """
    taken = await tx.conn.execute(
        "update conversations set next_seq = next_seq + 1, updated_at = %s, mode = %s, triage_sealed = %s, tick_at = %s,"
        " unread_triage_sealed = coalesce(%s, unread_triage_sealed)"
        " where id = %s and next_seq = %s and (delete_requested_at is null or %s)",
        (
            at, mode, seal_state(snapshot, state), tick_at, unread(snapshot), snapshot.conversation_id,
            snapshot.next_seq, snapshot.deletion_requested,
        ),
    )  # fmt: skip
    return taken.rowcount == 1


async def store_step(
    tx: Tx,
    jobs: App,
    snapshot: Snapshot,
    step: ScriptStep,
    *,
    at: datetime,
    since: datetime | None = None,
    first_part: int = 1,
    turn_id: TurnId | None = None,
) -> None:
    """Store a step's messages under the number that was taken, and carry out its effects.

    `since` is when it all began, where that is earlier: a case that is opened by this is open since then.
    """
    await apply_effects(tx, jobs, snapshot.conversation_id, step.effects, at=at, since=since)
    payload = orjson.dumps(crisis_payload(step)).decode()
    for offset, message in enumerate(step.messages):
        last = offset == len(step.messages) - 1
        await store_message(
            tx,
            snapshot.key,
            snapshot.conversation_id,
            snapshot.next_seq,
            first_part + offset,
            "script",
            message,
            at=at,
            extras=payload if last else None,
            turn_id=turn_id,
        )


async def store_message(
    tx: Tx,
    key: SubjectKey,
    conversation: ConversationId,
    seq: int,
    part: int,
    author: str,
    text: str,
    *,
    at: datetime,
    extras: str | None = None,
    turn_id: TurnId | None = None,
) -> MessageId:
    """Append a message; what the script or a person says on their own belongs to no turn."""
    message = MessageId(new_id())
    await tx.conn.execute(
        "insert into messages (id, institution_id, student_id, conversation_id, turn_id, seq, part, author,"
        " body_sealed, extras_sealed, created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            message, tx.who.institution_id, require_student(tx), conversation, turn_id, seq, part, author,
            key.seal(text, f"messages.body:{message}"),
            key.seal(extras, f"messages.extras:{message}") if extras else None, at,
        ),
    )  # fmt: skip
    return message


def seal_state(snapshot: Snapshot, state: TriageState | None) -> bytes | None:
    """Seal a triage state for its conversation; None stays None, and what cannot be read is kept as it is."""
    if state is None:
        return snapshot.triage_sealed if snapshot.triage_unreadable else None
    return snapshot.key.seal(orjson.dumps(state.to_dict()).decode(), f"conversations.triage:{snapshot.conversation_id}")


def unread(snapshot: Snapshot) -> bytes | None:
    """What is kept beside the new state: the stored one, where it could not be read. It is never thrown away."""
    return snapshot.triage_sealed if snapshot.triage_unreadable else None
