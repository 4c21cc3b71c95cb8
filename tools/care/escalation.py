"""Turns the script's effects into rows and jobs, inside the transaction of the message that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from procrastinate import App

from core.ids import CaseId, ConversationId, new_id
from db.access import Tx
from db.jobs import defer
from safety.policy import Tier, load_policy
from safety.triage_types import CaseNote, Digest, Effect, OpenCase, Page, RaiseCase, RecordAnswer, ScheduleCheckIn
from safety.types import Category, Severity
from tools.care.cases import OpenedCase, open_case, open_case_of, raise_case, record
from tools.people.people import require_student


async def apply_effects(
    tx: Tx, jobs: App, conversation: ConversationId, effects: Sequence[Effect], *, at: datetime
) -> CaseId | None:
    """Carry out what a step of the script decided; returns the conversation's open case, if there is one."""
    case = await open_case_of(tx, conversation)
    case_id = case.id if case else None
    for effect in effects:
        match effect:
            case OpenCase(category, severity, tier):
                case_id = await open_case(
                    tx, conversation, category=category, severity=severity, tier=tier, at=at, due_at=_due(tier, at)
                )
            case RaiseCase(category, severity, tier) if case_id is not None:
                current = case or OpenedCase(case_id, category, severity, "open")
                await raise_case(
                    tx, current, category=category, severity=severity, tier=tier, due_at=_due(tier, at), at=at
                )
            case Page(tier, reason) | Digest(tier, reason) if case_id is not None:
                await _deliver(tx, jobs, case_id, tier, reason, at)
            case RecordAnswer(item, value) if case_id is not None:
                await record(tx, case_id, "answer", at=at, facts={"item": item, "value": value})
            case CaseNote(note) if case_id is not None:
                await record(tx, case_id, "note", at=at, facts={"note": note})
            case ScheduleCheckIn() | RecordAnswer() | CaseNote():
                # Check-ins are due times in the triage state; answers without a case stay in it.
                continue
            case RaiseCase() | Page() | Digest():
                # A person is to be told of something that has no case yet: never drop it.
                case_id = await _open_for(tx, conversation, effect, at)
                if isinstance(effect, Page | Digest):
                    await _deliver(tx, jobs, case_id, effect.tier, effect.reason, at)
    return case_id


async def _open_for(tx: Tx, conversation: ConversationId, effect: RaiseCase | Page | Digest, at: datetime) -> CaseId:
    category = effect.category if isinstance(effect, RaiseCase) else Category.SUICIDE
    severity = effect.severity if isinstance(effect, RaiseCase) else Severity.HIGH
    return await open_case(
        tx,
        conversation,
        category=category,
        severity=severity,
        tier=effect.tier,
        at=at,
        due_at=_due(effect.tier, at),
    )


async def _deliver(tx: Tx, jobs: App, case: CaseId, tier: Tier, reason: str, at: datetime) -> None:
    for channel in load_policy().tiers[tier].channels:
        delivery = new_id()
        await tx.conn.execute(
            "insert into deliveries (id, case_id, institution_id, student_id, channel, reason, created_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (delivery, case, tx.who.institution_id, require_student(tx), channel, reason, at),
        )
        await defer(jobs, tx, "deliver", delivery=delivery)
    # Wakes the consoles that are open; carries the institution, nothing else.
    await tx.conn.execute("select pg_notify('care', %s)", (str(tx.who.institution_id),))


def _due(tier: Tier, at: datetime) -> datetime | None:
    within = load_policy().tiers[tier].ack_within
    return at + within if within is not None else None
