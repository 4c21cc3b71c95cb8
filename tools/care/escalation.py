"""Turns the script's effects into rows and jobs, inside the transaction of the message that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from procrastinate import App

from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.policy import Tier
from safety.triage.flow import load_flow
from safety.triage.state import Answer
from safety.triage.step import (
    CaseNote,
    Confide,
    Digest,
    Effect,
    OpenCase,
    Page,
    RaiseCase,
    RecordAnswer,
    ScheduleCheckIn,
)
from safety.types import Category, Severity
from tools.care.cases import OpenedCase, open_case, open_case_of, raise_case, record
from tools.care.ladder import call, due_at
from tools.people.keys import subject_key
from tools.people.people import require_student

TURNED = "turned_confidential"
"""Why confidential staff are called, and the fact of the case, when it became a matter for them alone."""


async def apply_effects(
    tx: Tx,
    jobs: App,
    conversation: ConversationId,
    effects: Sequence[Effect],
    *,
    at: datetime,
    since: datetime | None = None,
) -> CaseId | None:
    """Carry out what a step of the script decided; returns the conversation's open case, if there is one.

    A case that is opened here is open `since` then, where that is before `at`; people are called as of `at`.
    """
    opened = since or at
    turned = False
    for effect in effects:
        match effect:
            case OpenCase() | RaiseCase():
                turned |= await _open_or_raise(tx, conversation, effect, at, opened)
            case Page() | Digest():
                turned |= await _call(tx, jobs, conversation, effect, at, opened)
            case Confide():
                found = await open_case_of(tx, conversation)
                turned |= found is not None and await _make_confidential(tx, found.id, at)
            case RecordAnswer(item, value):
                await _answer(tx, conversation, item, value, at)
            case CaseNote(note):
                case = await open_case_of(tx, conversation)
                if case is not None:
                    await record(tx, case.id, "note", at=at, facts={"note": note})
            case ScheduleCheckIn():
                # Check-ins are due times in the triage state; the ticks read them there.
                continue
    case = await open_case_of(tx, conversation)
    if case is not None and turned and not any(isinstance(effect, Page | Digest) for effect in effects):
        await _call_confidential_staff(tx, jobs, case, at)
    return case.id if case else None


async def _open_or_raise(
    tx: Tx, conversation: ConversationId, effect: OpenCase | RaiseCase, at: datetime, opened: datetime
) -> bool:
    """Open the case or raise the open one; returns whether an open one became confidential by this."""
    case = await open_case_of(tx, conversation)
    due = await due_at(tx, effect.tier, at)
    if case is None:
        # Raising what is closed meanwhile opens it anew: never dropped.
        await open_case(
            tx,
            conversation,
            category=effect.category,
            severity=effect.severity,
            tier=effect.tier,
            at=opened,
            due_at=due,
            confidential=isinstance(effect, OpenCase) and effect.confidential,
        )
        return False
    await raise_case(tx, case, category=effect.category, severity=effect.severity, tier=effect.tier, due_at=due, at=at)
    return isinstance(effect, OpenCase) and effect.confidential and await _make_confidential(tx, case.id, at)


async def _call(
    tx: Tx, jobs: App, conversation: ConversationId, effect: Page | Digest, at: datetime, opened: datetime
) -> bool:
    """Call people; returns whether an open case became confidential by this."""
    case, due = await open_case_of(tx, conversation), await due_at(tx, effect.tier, at)
    if case is not None:
        case_id = case.id
        await tx.conn.execute(
            "update cases set due_at = case when acknowledged_at is null then least(due_at, %s) else %s end"
            " where id = %s",
            (due, due, case_id),
        )
    else:
        # A person is to be told of something that has no case: what it is about is unknown, so it counts as grave.
        case_id = await open_case(
            tx,
            conversation,
            category=Category.SUICIDE,
            severity=Severity.HIGH,
            tier=effect.tier,
            at=opened,
            due_at=due,
        )
    turned = effect.confidential and await _make_confidential(tx, case_id, at)
    await call(tx, jobs, case_id, effect.tier, effect.reason, at=at)
    return turned


async def _answer(tx: Tx, conversation: ConversationId, item: str, value: str, at: datetime) -> None:
    """Store an answer with the case; the student's own words are sealed, a choice is a fact."""
    case = await open_case_of(tx, conversation)
    if case is None:
        return  # Answers without a case stay in the triage state.
    known = load_flow().items.get(item)
    if known is not None and (value in known.choices or value == Answer.SAID):
        await record(tx, case.id, "answer", at=at, facts={"item": item, "value": value})
        return
    key = await subject_key(tx, require_student(tx))
    await record(tx, case.id, "answer", at=at, facts={"item": item}, words=value, key=key)


async def _make_confidential(tx: Tx, case: CaseId, at: datetime) -> bool:
    """Mark a case confidential; returns whether it was not before.

    A colleague it was offered to may not be confidential staff: the offer ends. What the student is told as sent and
    opened is about confidential staff from here on, unless somebody already has the case.
    """
    cursor = await tx.conn.execute(
        "update cases set confidential = true, offered_to = null,"
        " paged_at = case when claimed_by is not null then paged_at end,"
        " first_opened_at = case when claimed_by is not null then first_opened_at end"
        " where id = %s and not confidential",
        (case,),
    )
    if cursor.rowcount != 1:
        return False
    await record(tx, case, TURNED, at=at)
    return True


async def _call_confidential_staff(tx: Tx, jobs: App, case: OpenedCase, at: datetime) -> None:
    """Call anew when a case turned that people were told of and nobody has: who was told can no longer open it."""
    cursor = await tx.conn.execute("select claimed_by is null from cases where id = %s", (case.id,))
    row = await cursor.fetchone()
    if row is not None and row[0] and case.tier is not Tier.NONE:
        await call(tx, jobs, case.id, case.tier, TURNED, at=at)
