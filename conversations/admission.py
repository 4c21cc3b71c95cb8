"""The only place that makes what may reach a model: a `ScreenedTurn` from a committed message that was screened clear,
and a `PassedMessage` from one in which screening found no crisis."""

from __future__ import annotations

from datetime import datetime

from agents.state import PassedMessage, ScreenedTurn
from conversations.lifecycle import Claim
from conversations.snapshot import Snapshot, read_snapshot
from core.errors import NotFound
from core.ids import ConversationId, TurnId
from db.access import Acting, Tx
from safety.types import Category, Mode, Screening, Severity

REPLY_WINDOW = 24
"""Earlier messages that a reply may look at."""


def admit(
    who: Acting,
    snapshot: Snapshot,
    turn_id: TurnId,
    text: str,
    screening: Screening,
    mode: Mode,
    *,
    received_at: datetime,
    attempt: int = 1,
) -> ScreenedTurn:
    """Wrap a message that the open or committed first transaction holds; raises `ValueError` when it is not clear."""
    if who.student_id is None:
        raise NotFound
    return ScreenedTurn(
        turn_id=turn_id,
        conversation_id=snapshot.conversation_id,
        student_id=who.student_id,
        institution_id=who.institution_id,
        text=text,
        screening=screening,
        mode=mode,
        name=snapshot.name,
        language=snapshot.facts.language,
        time_zone=snapshot.facts.zone,
        region=snapshot.region,
        campus_region=snapshot.facts.campus_region,
        delivery=snapshot.facts.delivery,
        received_at=received_at,
        attempt=attempt,
        history=snapshot.history[-REPLY_WINDOW:],
        summary=snapshot.summary,
    )


def pass_on(text: str, screening: Screening, before: Snapshot) -> PassedMessage:
    """Wrap a committed message for a second opinion, with what went the ordinary way before it.

    Raises `ValueError` for a crisis and for a verdict with a layer missing.
    """
    return PassedMessage(text, screening, before.history[-REPLY_WINDOW:])


async def readmit(tx: Tx, conversation: ConversationId, claim: Claim) -> ScreenedTurn:
    """Wrap a stored message again, for a process that takes a turn over.

    Raises `NotFound` when it is gone and `ValueError` when its stored screening is not clear.
    """
    row = await (
        await tx.conn.execute(
            "select m.id, m.body_sealed, m.created_at, s.crisis, s.clarify, s.category, s.severity, s.score,"
            " s.degraded, s.version from messages m join screenings s on s.message_id = m.id"
            " where m.turn_id = %s and m.author = 'student'",
            (claim.turn_id,),
        )
    ).fetchone()
    if row is None:
        raise NotFound
    message_id, body, at, crisis, clarify, category, severity, score, degraded, version = row
    snapshot = await read_snapshot(tx, conversation, at, before=claim.seq)
    screening = Screening(
        crisis=crisis,
        clarify=clarify,
        category=Category(category),
        severity=Severity(severity),
        score=score,
        evidence=(),
        version=version,
        degraded=tuple(degraded),
    )
    text = snapshot.key.open(body, f"messages.body:{message_id}")
    mode = snapshot.mode if snapshot.mode in (Mode.ORDINARY, Mode.GUARDED) else Mode.GUARDED
    return admit(tx.who, snapshot, claim.turn_id, text, screening, mode, received_at=at, attempt=claim.attempt)
