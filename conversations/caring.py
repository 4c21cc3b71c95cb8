"""Brings the caring notes that are due into their conversations, signed by the counselor who chose to send them."""

from __future__ import annotations

from uuid import UUID

from conversations.script_store import store_message, take_number
from conversations.snapshot import read_snapshot
from core.ids import InstitutionId, StudentId
from core.logs import get_logger
from db.access import Acting, Role
from safety.script import caring_message
from tools.care.caring import end_note, put_note_off, read_note
from tools.care.cases import SERVICE
from tools.care.delivery import EVERY_MINUTE, WorkerApp
from tools.care.desk import Desk
from tools.care.writing import write_later

log = get_logger("conversations.caring")
AT_MOST = 100


def add_caring(app: WorkerApp) -> None:
    """Register the sweep."""

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="caring", queueing_lock="caring", lock="caring")
    async def _caring(timestamp: int) -> None:
        await send_due(app.desk)


async def send_due(desk: Desk) -> int:
    """Send every note whose moment has come; returns how many went out."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute("select * from caring_due(%s, %s)", (desk.clock.now(), AT_MOST))
        due = await cursor.fetchall()
    sent = 0
    for note, student, institution in due:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(student))
        try:
            sent += await _send(desk, who, note)
        except Exception as error:  # one note that cannot be written must not hold up the others
            log.error("note_failed", exc_info=error)
            async with desk.db.acting(who) as tx:
                await put_note_off(tx, note, at=desk.clock.now())
    return sent


async def _send(desk: Desk, who: Acting, id_: UUID) -> bool:
    now = desk.clock.now()
    async with desk.db.acting(who) as tx:
        note = await read_note(tx, id_)
        if note is None:
            return False
        if note.unwanted:
            await end_note(tx, id_, "dropped", at=now)
            return False
        if note.early:
            await put_note_off(tx, id_, at=now)
            return False
        snapshot = await read_snapshot(tx, note.conversation, now)
        if not await take_number(tx, snapshot, snapshot.mode, snapshot.triage, at=now):
            return False  # Somebody writes at this moment; the next sweep comes in a minute.
        words = caring_message(note.number, note.signed, snapshot.facts.language)
        number = snapshot.next_seq
        message = await store_message(tx, snapshot.key, note.conversation, number, 1, "script", words, at=now)
        await write_later(tx, desk.jobs, note.conversation, message)
        await end_note(tx, id_, "sent", at=now)
    return True
