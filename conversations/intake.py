"""Takes in a message: screen it, then commit it with everything that follows from it.

The first transaction holds the message, its screening and, in a crisis, the case, its delivery jobs and the fixed
reply. Only after it is committed does anything else happen. When the database is down, the message is screened all the
same and kept on the disk until it can be replayed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import psycopg
from procrastinate import App

from conversations.asking import is_asked
from conversations.cut_off import CutOff
from conversations.first_transaction import Judged, Received, commit_turn
from conversations.incoming import Incoming
from conversations.judgement import decide
from conversations.snapshot import Snapshot, read_snapshot
from core.clock import Clock
from core.crypto import Unreadable
from core.errors import Conflict, NotFound, Unavailable
from core.ids import ConversationId, TurnId, new_id
from core.logs import get_logger
from db.access import Database, Tx
from safety.disclosure import due_notices
from safety.types import Screening, ScreeningContext

log = get_logger("conversations.intake")
MOST_TRIES = 8
CAME_BETWEEN = (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)
"""Another process took this key, number or lock first: read again and see which."""
NOT_STORED = (Unavailable, Unreadable, psycopg.Error)
"""The database is down, or cannot take this message: it is kept on the disk, whatever the reason."""


class Screens(Protocol):
    """Screening as intake needs it; `safety.screen.Screener` is one."""

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message; never raises."""
        ...


class Intake:
    """The only door for a student's words."""

    def __init__(
        self,
        db: Database,
        jobs: App,
        screener: Screens,
        clock: Clock,
        executor: Executor,
        cut_off: CutOff,
        *,
        second_opinion: bool = False,
    ) -> None:
        self._db, self._jobs, self._screener, self._clock, self._executor = db, jobs, screener, clock, executor
        self._cut_off, self._second_opinion = cut_off, second_opinion
        self._locks: defaultdict[ConversationId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[ConversationId, int] = defaultdict(int)

    async def receive(self, message: Incoming) -> Received:
        """Screen and commit a message of the acting student; with the database down, keep it on the disk.

        Raises `NotFound`, `Conflict` for a reused key with other words, what `message.allow` raises for a message that
        is clear, and `SafetyReply` when the message could not be kept anywhere.
        """
        async with self._in_order(message.conversation):
            for number in range(MOST_TRIES):
                try:
                    received = await self._attempt(message, patient=number == 0)
                except CAME_BETWEEN:
                    continue
                if received is not None:
                    return received
            log.error("message_never_fits", conversation=str(message.conversation))
            return await self._keep(message, None)

    async def judge(self, text: str, context: ScreeningContext) -> Screening:
        """Screen words that are not a message yet, in turn with the messages."""
        return await self._screen(text, context)

    async def screens(self, within: float) -> Screening | None:
        """Screen a word in turn with the students' messages; None when that takes longer than `within` seconds."""
        try:
            async with asyncio.timeout(within):
                return await self._screen("hello", ScreeningContext())
        except TimeoutError:
            return None

    @asynccontextmanager
    async def _in_order(self, conversation: ConversationId) -> AsyncIterator[None]:
        self._waiting[conversation] += 1
        try:
            async with self._locks[conversation]:
                yield
        finally:
            self._waiting[conversation] -= 1
            if not self._waiting[conversation]:
                del self._waiting[conversation], self._locks[conversation]

    async def _attempt(self, message: Incoming, *, patient: bool) -> Received | None:
        now, text = self._clock.now(), message.text
        try:
            async with self._db.acting(message.who) as tx:
                snapshot = await read_snapshot(tx, message.conversation, now)
                known = await known_turn(tx, snapshot, message.key)
        except NotFound:
            # It may have begun while the database was down: then it is there as soon as its beginning is replayed.
            if not await self._cut_off.wait_for_earlier(message.conversation):
                raise
            return None if patient else await self._keep(message, None)
        except NOT_STORED as error:
            log.warning("conversation_not_read", error=type(error).__name__)
            return await self._keep(message, None)
        self._remember(message, snapshot)
        if known is not None and known.body_hash == snapshot.key.digest(text):
            return known.received
        screening = await self._screen(text, snapshot.context)
        path, step = decide(snapshot, text, screening, message.kind, now)
        if patient and path == "agent" and await self._cut_off.wait_for_earlier(message.conversation):
            return None  # What was said before it is stored now: judge again in its light.
        if known is not None:
            # The key was used for other words. A client's mistake may cost a resend, never a crisis its answer.
            if path == "agent":
                raise Conflict("This was sent before with other words. Send it as a new message.")
            message = replace(message, key=str(new_id()))
        # In a crisis and beside a person nothing stands between the words and the answer; what is due stays due.
        notices = due_notices(snapshot.use, snapshot.law, now) if path in ("agent", "careful") else ()
        opinion = self._second_opinion and is_asked(path, screening, message.kind)
        judged = Judged(snapshot, text, message.key, message.turn, screening, path, step, now, now, notices, opinion)
        if path == "agent":
            await message.allow()
        try:
            async with self._db.acting(message.who) as tx:
                received = await commit_turn(tx, self._jobs, judged)
        except CAME_BETWEEN:
            raise
        except NOT_STORED as error:
            log.warning("message_not_committed", error=type(error).__name__)
            return await self._keep(message, screening)
        if received is not None:
            self._cut_off.remember(message.who, message.conversation, judged.mode, judged.state, snapshot.facts)
        return received

    def _remember(self, message: Incoming, snapshot: Snapshot) -> None:
        self._cut_off.remember(message.who, message.conversation, snapshot.mode, snapshot.triage, snapshot.facts)

    async def _screen(self, text: str, context: ScreeningContext) -> Screening:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._screener.screen, text, context)

    async def _keep(self, message: Incoming, screening: Screening | None) -> Received:
        """Keep a message that the database did not take; it is screened first if that has not been done."""
        if screening is None:
            screening = await self._screen(message.text, self._cut_off.context(message.who, message.conversation))
            if screening.clear:
                await message.allow()
        kept = await self._cut_off.keep(message, screening)
        return Received(kept.turn_id, 0, "kept", repeated=False, kept=kept)


@dataclass(frozen=True, slots=True)
class Known:
    """A turn that its key has brought in before."""

    received: Received
    body_hash: bytes


async def known_turn(tx: Tx, snapshot: Snapshot, idempotency_key: str) -> Known | None:
    """Return the turn of a key in the conversation, if there is one."""
    cursor = await tx.conn.execute(
        "select id, seq, path, body_hash from turns where conversation_id = %s and idempotency_key = %s",
        (snapshot.conversation_id, idempotency_key),
    )
    row = await cursor.fetchone()
    return Known(Received(TurnId(row[0]), row[1], row[2], repeated=True), bytes(row[3])) if row else None
