"""The clock of open conversations: silence, waits for a person, agreed check-ins and follow-ups.

Which conversations are due is a fact beside them; what to do is the script's decision. A look that finds nothing to say
writes down only when to look again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from conversations.script_store import store_step, take_number
from conversations.snapshot import Snapshot, read_snapshot
from core.errors import NotFound
from core.ids import ConversationId, InstitutionId, StudentId, new_id
from core.logs import get_logger
from db.access import Acting, Role, Tx
from safety.script import tick
from safety.triage.facts import DeliveryFacts
from safety.triage.state import TriageState
from safety.types import Mode
from tools.care.cases import SERVICE, delivery_facts
from tools.care.delivery import EVERY_TEN_SECONDS, WorkerApp
from tools.care.desk import Desk
from tools.care.writing import write_later

log = get_logger("conversations.ticks")
AT_MOST = 200
LOOK_AGAIN = timedelta(seconds=8)
"""In open states; shorter than the sweep, so that every sweep looks."""
AFTER_FAILURE = timedelta(minutes=1)
HOW_IS_IT = "fu_how"
"""The question by which the script comes back as agreed or announced."""
REST = timedelta(hours=12)
"""In guarded states without a check-in, nothing happens by itself."""


def add_ticks(app: WorkerApp) -> None:
    """Register the sweep."""

    @app.periodic(cron=EVERY_TEN_SECONDS)
    @app.task(name="tick", queueing_lock="tick", lock="tick")
    async def _tick(timestamp: int) -> None:
        await sweep(app.desk)


async def sweep(desk: Desk) -> int:
    """Look at every conversation whose time has come; returns in how many the script spoke."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute("select * from conversations_to_look_at(%s, %s)", (desk.clock.now(), AT_MOST))
        due = await cursor.fetchall()
        await conn.execute(
            "insert into heartbeats (part, at) values ('ticks', %s) on conflict (part) do update set at = excluded.at",
            (desk.clock.now(),),
        )
    spoke = 0
    for conversation, student, institution in due:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(student))
        try:
            spoke += await look(desk, who, ConversationId(conversation))
        except Exception as error:  # one conversation that cannot be read must not silence the clock of the others
            log.error("tick_failed", conversation=str(conversation), exc_info=error)
            await _put_off(desk, who, ConversationId(conversation))
    return spoke


async def _put_off(desk: Desk, who: Acting, conversation: ConversationId) -> None:
    """Look at a conversation that failed later, so that those that fail never fill a sweep."""
    async with desk.db.acting(who) as tx:
        await tx.conn.execute(
            "update conversations set tick_at = %s where id = %s", (desk.clock.now() + AFTER_FAILURE, conversation)
        )


async def look(desk: Desk, who: Acting, conversation: ConversationId) -> bool:
    """Let the script speak in one conversation if it has something to say; returns whether it did."""
    now = desk.clock.now()
    async with desk.db.acting(who) as tx:
        try:
            snapshot = await read_snapshot(tx, conversation, now, even_deleted=True)
        except NotFound:
            return False  # Deleted since the sweep began.
        if snapshot.triage is None:
            await _look_again(tx, snapshot, now + REST)
            return False  # Nothing stands, or what stands cannot be read by this version: the next message is met with care.
        facts = replace(snapshot.facts, delivery=await delivery_facts(tx, conversation, at=now) or DeliveryFacts())
        step = tick(snapshot.triage, facts, now)
        if step is None:
            await _look_again(tx, snapshot, next_look(snapshot.triage, now))
            return False
        again = next_look(step.state, now) if step.state else None
        if not await take_number(tx, snapshot, step.mode, step.state, at=now, tick_at=again):
            return False  # The student or a person was faster; the next sweep looks at what is then.
        await store_step(tx, desk.jobs, snapshot, step, at=now)
        if step.state is not None and step.state.item == HOW_IS_IT and not step.state.confidential:
            # Nothing is written about a confidential matter, whatever was chosen before: others may read the mail.
            await write_later(tx, desk.jobs, conversation, new_id())
    log.info("ticked", conversation=str(conversation), mode=step.mode.value)
    return True


async def _look_again(tx: Tx, snapshot: Snapshot, moment: datetime) -> None:
    await tx.conn.execute(
        "update conversations set tick_at = %s where id = %s and next_seq = %s",
        (moment, snapshot.conversation_id, snapshot.next_seq),
    )


def next_look(state: TriageState, now: datetime) -> datetime:
    """When the script must be asked again: soon in open states, at the next check-in in those that rest."""
    if state.mode in (Mode.TRIAGE, Mode.LIVE_PERSON):
        return now + LOOK_AGAIN
    return min((entry.at for entry in state.check_ins), default=now + REST)
