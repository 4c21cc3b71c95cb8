"""Asks a second opinion on a message after it was committed and answered, and acts on it only where it is graver.

The job commits with the message; nothing waits for it. It runs a few at a time behind everything else, so that an
endpoint that hangs holds up neither a delivery nor a reply. An opinion that does not come is on record and changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import orjson
from procrastinate import RetryStrategy
from psycopg.types.json import Jsonb

from agents.models import ModelFault
from agents.opinion import SecondOpinion, open_opinion
from conversations.admission import pass_on
from conversations.asking import TASK
from conversations.second_look import Written, read_written, settle
from conversations.snapshot import Snapshot, read_snapshot
from core.errors import NotFound
from core.logs import get_logger
from db.access import Acting, Tx
from safety.opinion import raised_by
from safety.triage.heard_again import ONCE_MORE
from safety.types import Screening
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk

log = get_logger("conversations.second_opinion")


def add_second_opinion(app: WorkerApp) -> None:
    """Register the job; the model is connected when it is first needed."""
    opened: list[SecondOpinion | None] = []

    @app.task(name=TASK, retry=RetryStrategy(max_attempts=5, exponential_wait=2))
    async def _second_opinion(institution: str, student: str, message: str) -> None:
        if not opened:
            opened.append(open_opinion(app.desk.settings))
        if opened[0] is not None:
            await ask_opinion(app.desk, app.desk.acting(institution, student), UUID(message), opened[0])


async def ask_opinion(desk: Desk, who: Acting, message: UUID, opinion: SecondOpinion) -> bool:
    """Ask the second opinion on a message; returns whether the script had to speak or act."""
    async with desk.db.acting(who) as tx:
        written = await read_written(tx, message)
        if written is None or written.screening.crisis or written.screening.degraded:
            return False
        before = await read_snapshot(tx, written.conversation, desk.clock.now(), before=written.seq, even_deleted=True)
    source = {"source": opinion.version}
    try:
        found = await opinion.ask(pass_on(written.text, written.screening, before))
    except ModelFault as fault:
        log.warning("no_second_opinion", state=fault.reason)
        await _note(desk, who, message, {**source, "outcome": "none", "reason": fault.reason})
        return False
    raised = raised_by(written.screening, found, opinion.version)
    if raised is None:
        await _note(desk, who, message, {**source, "outcome": "agreed", "level": found.level})
        return False
    return await _raise(desk, who, message, written, raised, {**source, "outcome": "raised", "level": found.level})


async def _raise(
    desk: Desk, who: Acting, message: UUID, written: Written, raised: Screening, what: dict[str, str]
) -> bool:
    async def keep(tx: Tx, snapshot: Snapshot, now: datetime) -> None:
        evidence = orjson.dumps([asdict(entry) for entry in raised.evidence]).decode()
        cursor = await tx.conn.execute(
            "select store_second_opinion(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                message, Jsonb(what), raised.crisis, raised.clarify, raised.category, raised.severity,
                snapshot.key.seal(evidence, f"screenings.evidence:{message}"), raised.version, now,
            ),
        )  # fmt: skip
        row = await cursor.fetchone()
        if not (row and row[0]):
            raise NotFound  # Another worker was faster: nothing of this is kept.

    return await settle(desk, who, written, raised, keep, ONCE_MORE)


async def _note(desk: Desk, who: Acting, message: UUID, what: dict[str, str]) -> None:
    async with desk.db.acting(who) as tx:
        await tx.conn.execute("select note_second_opinion(%s, %s, %s)", (message, Jsonb(what), desk.clock.now()))
