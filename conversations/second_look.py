"""Screens again what came while a layer of screening was down; what it finds is said and done as if it had come now.

The job commits with the message, so none is forgotten. It comes again until every layer runs, and tells the operator
once. One that cannot be read holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from procrastinate import App

from conversations.intake import Screens
from conversations.screening import LazyScreener
from conversations.script_store import store_step, take_number
from conversations.snapshot import Snapshot, read_snapshot
from core.errors import CompanionError, NotFound
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Acting, Tx
from safety.script import heard_again
from safety.triage.draft import DISCREET
from safety.triage.heard_again import LATE
from safety.types import Category, Evidence, Screening, Severity
from tools.care.alarm import raise_alarm
from tools.care.delivery import WorkerApp
from tools.care.desk import Backoff, Desk
from tools.care.probe import SCREENING
from tools.people.keys import student_key

log = get_logger("conversations.second_look")
TRIES = 5
WRITTEN = """
select m.conversation_id, m.seq, m.body_sealed, s.crisis, s.clarify, s.category, s.severity, s.score, s.evidence_sealed,
       s.degraded, s.version, c.mode
from messages m join screenings s on s.message_id = m.id join conversations c on c.id = m.conversation_id
where m.id = %s and m.student_id = %s
"""
Keep = Callable[[Tx, Snapshot, datetime], Awaitable[None]]
"""Stores a verdict in the transaction in which it is acted on."""


class StillDown(CompanionError):
    """A layer of screening is still down; the message is screened again later."""

    code = "still_down"


@dataclass(frozen=True, slots=True)
class Written:
    """A message with its first verdict."""

    conversation: ConversationId
    seq: int
    text: str
    screening: Screening


def add_second_look(app: WorkerApp, screener: Callable[[], Screens] | None = None) -> None:
    """Register the job; `screener` makes what judges, by default one like the API's, when it is first needed."""
    made: list[Screens] = []

    def judge() -> Screens:
        if not made:
            made.append(screener() if screener else LazyScreener())
        return made[0]

    @app.task(name="second_look", retry=Backoff(2))
    async def _second_look(institution: str, student: str, message: str) -> None:
        await look_again(app.desk, app.desk.acting(institution, student), UUID(message), judge())


async def look_again(desk: Desk, who: Acting, message: UUID, screener: Screens) -> bool:
    """Screen a message again whose first screening missed a layer; returns whether the script had to speak or act.

    Raises `StillDown` when a layer is missing again.
    """
    async with desk.db.acting(who) as tx:
        written = await read_written(tx, message)
        if written is None or not written.screening.degraded:
            return False  # Screened again already, or deleted.
        before = await read_snapshot(tx, written.conversation, desk.clock.now(), before=written.seq, even_deleted=True)
    layers = ", ".join(written.screening.degraded)
    again = await asyncio.to_thread(screener.screen, written.text, before.context)
    if again.degraded:
        await raise_alarm(desk, SCREENING, None, layers=layers)
        raise StillDown
    await raise_alarm(desk, SCREENING, None, layers=layers)
    verdict = written.screening.or_worse(again)

    async def keep(tx: Tx, snapshot: Snapshot, now: datetime) -> None:
        await _keep_verdict(tx, snapshot, message, verdict, now)

    return await settle(desk, who, written, verdict, keep)


async def read_written(tx: Tx, message: UUID) -> Written | None:
    """Return a message of the acting student with its verdict; None when it is gone."""
    row = await (await tx.conn.execute(WRITTEN, (message, tx.who.student_id))).fetchone()
    if row is None:
        return None
    key = await student_key(tx)
    evidence: list[dict[str, Any]] = orjson.loads(key.open(row[8], f"screenings.evidence:{message}"))
    screening = Screening(
        crisis=row[3],
        clarify=row[4],
        category=Category(row[5]),
        severity=Severity(row[6]),
        score=row[7],
        evidence=tuple(Evidence(**entry) for entry in evidence),
        version=row[10],
        degraded=tuple(row[9]),
    )
    return Written(ConversationId(row[0]), row[1], key.open(row[2], f"messages.body:{message}"), screening)


async def settle(desk: Desk, who: Acting, written: Written, verdict: Screening, keep: Keep, said: str = LATE) -> bool:
    """Store a late verdict and what follows from it, together; returns whether the script had to speak or act.

    Raises `CompanionError` when the conversation went on at every try.
    """
    for _ in range(TRIES):
        done = await _store(desk, who, written, verdict, keep, said)
        if done is not None:
            return done
    raise CompanionError("The conversation went on at every try; the job comes again.")


async def _store(desk: Desk, who: Acting, written: Written, verdict: Screening, keep: Keep, said: str) -> bool | None:
    """Store the verdict and what follows from it, together; None when the conversation went on meanwhile."""
    now = desk.clock.now()
    async with desk.db.acting(who) as tx:
        snapshot = await read_snapshot(tx, written.conversation, now, even_deleted=True)
        acted = await act_on_late(tx, desk.jobs, snapshot, verdict, written.screening, now, said)
        if acted is not None:
            await keep(tx, snapshot, now)
    log.info("screened_again", conversation=str(written.conversation), severity=verdict.severity.value)
    return acted


async def act_on_late(
    tx: Tx, jobs: App, snapshot: Snapshot, verdict: Screening, first: Screening, now: datetime, said: str = LATE
) -> bool | None:
    """Say and do what a graver verdict on an earlier message calls for; returns whether there was anything.

    `said` names the text that says why it comes now. None when the conversation went on meanwhile: read it again.
    """
    step = heard_again(snapshot.triage, verdict, snapshot.facts, now, said) if _graver(verdict, first) else None
    if step is None:
        return False
    if not await take_number(tx, snapshot, step.mode, step.state, at=now):
        return None
    await store_step(tx, jobs, snapshot, step, at=now)
    return True


def _graver(verdict: Screening, first: Screening) -> bool:
    """Whether there is more to act on than there was at first; that it is a confidential matter is more as well."""
    if verdict.crisis:
        turned = verdict.category in DISCREET and first.category not in DISCREET
        return not first.crisis or turned or verdict.severity.rank > first.severity.rank
    return verdict.clarify and not (first.crisis or first.clarify)


async def _keep_verdict(tx: Tx, snapshot: Snapshot, message: UUID, verdict: Screening, now: datetime) -> None:
    evidence = orjson.dumps([asdict(entry) for entry in verdict.evidence]).decode()
    cursor = await tx.conn.execute(
        "select store_second_look(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            message, verdict.crisis, verdict.clarify, verdict.category, verdict.severity, verdict.score,
            snapshot.key.seal(evidence, f"screenings.evidence:{message}"), verdict.version, now,
        ),
    )  # fmt: skip
    row = await cursor.fetchone()
    if not (row and row[0]):
        raise NotFound  # Another worker was faster: nothing of this look is kept.
