"""A student's words that are no message: the note of a mood, the free lines of a log. They are screened like any message.

Clear words stay where they were written. All others become a message of a conversation, by the one door that messages
take, so that the script answers and people are told exactly as if the student had said them there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from procrastinate import App

from conversations import history
from conversations.crisis_events import crisis_payload
from conversations.cut_off import CutOff
from conversations.events import EventName
from conversations.first_transaction import Received
from conversations.incoming import Incoming
from conversations.intake import CAME_BETWEEN, MOST_TRIES, NOT_STORED, Intake
from conversations.script_store import store_step, take_number
from conversations.service import Conversations
from conversations.signals import BUSY
from conversations.snapshot import Snapshot, read_snapshot
from core.clock import Clock
from core.errors import CompanionError
from core.ids import ConversationId, new_id
from core.logs import get_logger
from db.access import Acting, Database, Tx
from safety.script import counselor_takes_over, open_asked
from safety.triage.step import ScriptStep
from safety.types import Category, Evidence, Mode, Screening, ScreeningContext, Severity
from tools.people.people import require_student

log = get_logger("conversations.beside")
NEWEST = """
select id from conversations where student_id = %s and mode in ('ordinary', 'guarded') and delete_requested_at is null
order by updated_at desc limit 1
"""
ASKED = Screening(
    True, False, Category.SUICIDE, Severity.HIGH, 1.0, (Evidence("student", "asks_for_a_person", ""),), "alert-1"
)
"""What an alert counts as while the database is down: people are called directly, as for a grave message."""
ASKED_WORDS = "I asked for a person."


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of words that are not clear: where they stand now, and what the script said."""

    conversation: ConversationId
    path: str
    """As of a message; `kept` while the database is down."""
    crisis: dict[str, object] | None
    """The data of the `crisis` event; None beside a person, who reads along."""


class Beside:
    """Takes in words that come beside the conversation."""

    def __init__(
        self, db: Database, jobs: App, intake: Intake, conversations: Conversations, cut_off: CutOff, clock: Clock
    ) -> None:
        self._db, self._jobs, self._intake, self._conversations = db, jobs, intake, conversations
        self._cut_off, self._clock = cut_off, clock

    async def hear(self, who: Acting, words: str, *, key: str) -> Answered | None:
        """Screen words of the acting student; None when they are clear.

        Call it before anything is checked or stored: nothing may keep a crisis from people. The same `key` again is the
        same message. Raises what `Intake.receive` raises, and `Unavailable` for clear words while the database is down.
        """
        if not words.strip():
            return None
        down: Exception | None = None
        conversation, context = None, ScreeningContext()
        try:
            async with self._db.acting(who) as tx:
                conversation = await place_of(tx)
                if conversation is not None:
                    context = (await read_snapshot(tx, conversation, self._clock.now())).context
        except NOT_STORED as error:
            log.warning("place_not_read", error=type(error).__name__)
            down = error
        screening = await self._intake.judge(words, context)
        if screening.clear:
            if down is not None:
                raise down
            return None
        if conversation is None:
            conversation = await self._begin(who)
        received = await self._conversations.take_turn(who, conversation, words, idempotency_key=key)
        return Answered(conversation, received.path, await self._said(who, conversation, received))

    async def ask_for_person(self, who: Acting, *, key: str) -> Answered:
        """Tell people now because the acting student asks, whatever the matter; the script goes on from there."""
        try:
            for _ in range(MOST_TRIES):
                try:
                    async with self._db.acting(who) as tx:
                        answered = await self._asked(tx, self._clock.now())
                except CAME_BETWEEN:
                    continue
                if answered is not None:
                    return answered
        except NOT_STORED as error:
            log.warning("alert_not_stored", error=type(error).__name__)
            conversation = ConversationId(uuid5(who.account_id, f"alert:{key}"))
            kept = await self._cut_off.keep(Incoming(who, conversation, ASKED_WORDS, key), ASKED)
            return Answered(conversation, "kept", crisis_payload(kept.step))
        raise CompanionError("The conversation went on at every try. Please try again.")

    async def _asked(self, tx: Tx, now: datetime) -> Answered | None:
        conversation = await place_of(tx) or await history.begin(tx, at=now)
        snapshot = await read_snapshot(tx, conversation, now)
        step = _asking(snapshot, now)
        if not await take_number(tx, snapshot, step.mode, step.state, at=now):
            return None
        await store_step(tx, self._jobs, snapshot, step, at=now)
        return Answered(conversation, "script", crisis_payload(step))

    async def _begin(self, who: Acting) -> ConversationId:
        """Begin a conversation; while the database is down the message begins it when it is replayed."""
        conversation = ConversationId(new_id())
        try:
            async with self._db.acting(who) as tx:
                await history.begin(tx, at=self._clock.now(), conversation=conversation)
        except NOT_STORED as error:
            log.warning("conversation_not_begun", error=type(error).__name__)
        return conversation

    async def _said(self, who: Acting, conversation: ConversationId, received: Received) -> dict[str, object] | None:
        if received.path == "agent":
            return None  # Clear in the light of what had come in between: answered as a message.
        async for event in self._conversations.events_of(who, conversation, received):
            if event.name is EventName.CRISIS:
                return dict(event.data)
        return None


async def place_of(tx: Tx) -> ConversationId | None:
    """Where such words belong: the conversation that the script or a person has, else the one the student was last in."""
    student = require_student(tx)
    for query in (BUSY, NEWEST):
        row: tuple[UUID] | None = await (await tx.conn.execute(query, (student,))).fetchone()
        if row is not None:
            return ConversationId(row[0])
    return None


def _asking(snapshot: Snapshot, now: datetime) -> ScriptStep:
    state = snapshot.triage
    if state is None and snapshot.mode is Mode.LIVE_PERSON:
        state = counselor_takes_over(None, snapshot.facts, now).state  # A person is there; nobody else is called in.
    return open_asked(state, snapshot.facts, now)
