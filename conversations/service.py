"""The conversation as a whole: what the API and the worker call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from conversations.broker import Broker
from conversations.crisis_events import script_events
from conversations.cut_off import CutOff
from conversations.events import Event, EventName, after, load_events
from conversations.first_transaction import Received
from conversations.history import note_presence, require_conversation
from conversations.incoming import Allow, Incoming, always
from conversations.intake import Intake
from conversations.runner import Runner
from core.clock import Clock
from core.errors import NotFound, Unavailable
from core.ids import ConversationId, TurnId
from db.access import Acting, Database
from safety.triage.facts import DeliveryFacts, InputKind
from safety.types import Mode, Screening
from tools.care.cases import delivery_facts
from tools.people.keys import student_key

POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Status:
    """What a waiting student is shown: the mode and the stored facts of delivery."""

    mode: Mode
    delivery: DeliveryFacts | None
    """None without a case."""
    zone: str
    """IANA time zone of the student, in which times are shown."""
    language: str


class Conversations:
    """Takes turns in and streams what becomes of them."""

    def __init__(
        self, db: Database, intake: Intake, runner: Runner, broker: Broker, cut_off: CutOff, clock: Clock
    ) -> None:
        self._db, self._intake, self._runner, self._broker, self._clock = db, intake, runner, broker, clock
        self._cut_off = cut_off

    async def take_turn(
        self,
        who: Acting,
        conversation: ConversationId,
        text: str,
        *,
        idempotency_key: str,
        kind: InputKind = InputKind.TEXT,
        allow: Allow = always,
    ) -> Received:
        """Commit a message and see that its turn runs; raises what `Intake.receive` raises."""
        received = await self._intake.receive(Incoming(who, conversation, text, idempotency_key, kind, allow))
        if received.path == "agent":
            self._runner.start(who, conversation, received.screened)
        else:
            self._runner.hush(conversation)  # Nothing may speak beside the script or a person.
        return received

    async def screens(self, within: float) -> Screening | None:
        """Screen a word as a message would be screened; None when that takes longer than `within` seconds."""
        return await self._intake.screens(within)

    async def events(
        self, who: Acting, conversation: ConversationId, turn_id: TurnId, last_id: str | None = None
    ) -> AsyncIterator[Event]:
        """Yield a turn's events after `last_id`, live while it runs, from the database once it ended.

        Works from any process; raises `NotFound` for anybody else's turn.
        """
        seen = last_id
        while True:
            live = self._broker.find(turn_id)
            if live is not None:
                async with self._db.acting(who) as tx:
                    await require_conversation(tx, conversation)
                missed = {event.id for event in after(live.events, seen)}
                old = {event.id for event in live.events} - missed
                async for event in live.listen():
                    if event.id not in old:
                        seen = event.id
                        yield event
                        if event.final:
                            return
                await asyncio.sleep(POLL_SECONDS)
                continue
            stored = await self._stored_events(who, conversation, turn_id)
            if stored is not None:
                for event in after(stored, seen):
                    yield event
                return
            await asyncio.sleep(POLL_SECONDS)

    async def events_of(self, who: Acting, conversation: ConversationId, received: Received) -> AsyncIterator[Event]:
        """Yield the events of a message that has just come in, those of a kept one included."""
        if received.kept is not None:
            for event in script_events(received.kept.screening, received.path, received.kept.step):
                yield event
            return
        async for event in self.events(who, conversation, received.turn_id):
            yield event

    async def _stored_events(self, who: Acting, conversation: ConversationId, turn_id: TurnId) -> list[Event] | None:
        async with self._db.acting(who) as tx:
            cursor = await tx.conn.execute(
                "select state, events_sealed, path from turns where id = %s and conversation_id = %s and student_id = %s",
                (turn_id, conversation, who.student_id),
            )
            row = await cursor.fetchone()
            if row is None:
                raise NotFound("There is no such turn.")
            if row[0] in ("queued", "running"):
                return None
            if row[1] is None:
                return [Event("1.1", EventName.DONE, {"path": row[2]})]
            key = await student_key(tx)
            return load_events(key.open(row[1], f"turns.events:{turn_id}"))

    async def status(self, who: Acting, conversation: ConversationId) -> Status:
        """Return the mode and the delivery facts, and keep that the student's page is open; raises `NotFound`.

        While the database is down they are those of the messages that are kept, as far as this process kept them.
        """
        try:
            return await self._stored_status(who, conversation)
        except Unavailable:
            standing = self._cut_off.standing(who, conversation)
            if standing is None:
                raise
            return Status(standing.mode, standing.delivery, standing.facts.zone, standing.facts.language)

    async def _stored_status(self, who: Acting, conversation: ConversationId) -> Status:
        async with self._db.acting(who) as tx:
            mode = await require_conversation(tx, conversation)
            await note_presence(tx, conversation, at=self._clock.now())
            cursor = await tx.conn.execute(
                "select time_zone, language from profiles where account_id = %s", (who.account_id,)
            )
            zone, language = await cursor.fetchone() or ("UTC", "en")
            return Status(mode, await delivery_facts(tx, conversation), zone, language)

    async def require_turn(self, who: Acting, conversation: ConversationId, turn_id: TurnId) -> None:
        """Check that the turn is the acting student's; raises `NotFound` before a stream begins."""
        async with self._db.acting(who) as tx:
            cursor = await tx.conn.execute(
                "select 1 from turns where id = %s and conversation_id = %s and student_id = %s",
                (turn_id, conversation, who.student_id),
            )
            if await cursor.fetchone() is None:
                raise NotFound("There is no such turn.")

    async def sweep(self) -> int:
        """Take over turns whose process died."""
        return await self._runner.sweep()

    async def stop(self) -> None:
        """Stop running turns in this process."""
        await self._runner.stop()

    def now(self) -> datetime:
        """The service's present moment."""
        return self._clock.now()
