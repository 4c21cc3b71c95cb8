"""Turns the script's effects into rows and jobs, inside the transaction of the message that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from procrastinate import App

from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.triage.flow import load_flow
from safety.triage.step import CaseNote, Digest, Effect, OpenCase, Page, RaiseCase, RecordAnswer, ScheduleCheckIn
from safety.types import Category, Severity
from tools.care.cases import open_case, open_case_of, raise_case, record
from tools.care.ladder import call, due_at
from tools.people.keys import subject_key
from tools.people.people import require_student


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
    for effect in effects:
        match effect:
            case OpenCase() | RaiseCase():
                await _open_or_raise(tx, conversation, effect, at, opened)
            case Page() | Digest():
                await _call(tx, jobs, conversation, effect, at, opened)
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
    return case.id if case else None


async def _open_or_raise(
    tx: Tx, conversation: ConversationId, effect: OpenCase | RaiseCase, at: datetime, opened: datetime
) -> None:
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
    else:
        await raise_case(
            tx, case, category=effect.category, severity=effect.severity, tier=effect.tier, due_at=due, at=at
        )
        if isinstance(effect, OpenCase) and effect.confidential:
            await _make_confidential(tx, case.id)


async def _call(
    tx: Tx, jobs: App, conversation: ConversationId, effect: Page | Digest, at: datetime, opened: datetime
) -> None:
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
    if effect.confidential:
        await _make_confidential(tx, case_id)
    await call(tx, jobs, case_id, effect.tier, effect.reason, at=at)


async def _answer(tx: Tx, conversation: ConversationId, item: str, value: str, at: datetime) -> None:
    """Store an answer with the case; the student's own words are sealed, a choice is a fact."""
    case = await open_case_of(tx, conversation)
    if case is None:
        return  # Answers without a case stay in the triage state.
    known = load_flow().items.get(item)
    if known is not None and value in known.choices:
        await record(tx, case.id, "answer", at=at, facts={"item": item, "value": value})
        return
    key = await subject_key(tx, require_student(tx))
    await record(tx, case.id, "answer", at=at, facts={"item": item}, words=value, key=key)


async def _make_confidential(tx: Tx, case: CaseId) -> None:
    await tx.conn.execute("update cases set confidential = true where id = %s", (case,))
