"""Takes in a message: screen it, then commit it with everything that follows from it.

The first transaction holds the message, its screening and, in a crisis, the case, its delivery jobs and the fixed
reply. Only after it is committed does anything else happen.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import psycopg
from procrastinate import App

from conversations.first_transaction import Judged, Path, Received, commit_turn
from conversations.snapshot import Snapshot, read_snapshot
from core.clock import Clock
from core.crypto import Unreadable
from core.errors import Conflict, Unavailable
from core.ids import ConversationId, TurnId, new_id
from db.access import Acting, Database, Tx
from safety.disclosure import due_notices
from safety.script import advance, counselor_takes_over, degraded_reply, open_triage
from safety.triage.facts import InputKind, StudentFacts
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening, ScreeningContext

MOST_TRIES = 8
Allow = Callable[[], Awaitable[None]]
"""May refuse a message that is clear, by raising; it is never asked about any other."""


class Screens(Protocol):
    """Screening as intake needs it; `safety.screen.Screener` is one."""

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message; never raises."""
        ...


async def always() -> None:
    """Allow every message."""


class SafetyReply(Unavailable):
    """The message could not be stored, but it was screened, and the student gets the fixed reply all the same."""

    code = "stored_nowhere_yet"

    def __init__(self, step: ScriptStep, screening: Screening) -> None:
        super().__init__("I could not save your message. It is still on your screen; please send it again in a moment.")
        self.step = step
        self.screening = screening


class Intake:
    """The only door for a student's words."""

    def __init__(self, db: Database, jobs: App, screener: Screens, clock: Clock, executor: Executor) -> None:
        self._db, self._jobs, self._screener, self._clock, self._executor = db, jobs, screener, clock, executor
        self._locks: defaultdict[ConversationId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[ConversationId, int] = defaultdict(int)

    async def receive(
        self,
        who: Acting,
        conversation: ConversationId,
        text: str,
        *,
        idempotency_key: str,
        kind: InputKind = InputKind.TEXT,
        allow: Allow = always,
    ) -> Received:
        """Screen and commit a message of the acting student.

        `allow` may refuse a message that is clear (a rate limit); it is never asked about any other.
        Raises `NotFound`, `Conflict` for a reused key with other words, and `SafetyReply` when the database is down.
        """
        async with self._in_order(conversation):
            for _ in range(MOST_TRIES):
                try:
                    received = await self._attempt(who, conversation, text, idempotency_key, kind, allow)
                except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
                    continue  # Another process took this key, number or lock first: read again and see which.
                if received is not None:
                    return received
            raise await self._reply_without_record(text, self._clock.now())

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

    async def _attempt(
        self,
        who: Acting,
        conversation: ConversationId,
        text: str,
        idempotency_key: str,
        kind: InputKind,
        allow: Allow,
    ) -> Received | None:
        now = self._clock.now()
        try:
            async with self._db.acting(who) as tx:
                snapshot = await read_snapshot(tx, conversation, now)
                known = await _known_turn(tx, snapshot, idempotency_key)
        except (Unavailable, Unreadable, psycopg.DatabaseError) as error:
            raise await self._reply_without_record(text, now) from error
        if known is not None and known.body_hash == snapshot.key.digest(text):
            return known.received
        screening = await self._screen(text, snapshot.context)
        path, step = _decide(snapshot, text, screening, kind, now)
        if known is not None:
            # The key was used for other words. A client's mistake may cost a resend, never a crisis its answer.
            if path == "agent":
                raise Conflict("This was sent before with other words. Send it as a new message.")
            idempotency_key = str(new_id())
        # In a crisis and beside a person nothing stands between the words and the answer; what is due stays due.
        notices = due_notices(snapshot.use, snapshot.law, now) if path in ("agent", "careful") else ()
        judged = Judged(snapshot, text, idempotency_key, screening, path, step, now, notices)
        if path == "agent":
            await allow()
        try:
            async with self._db.acting(who) as tx:
                return await commit_turn(tx, self._jobs, judged)
        except Unavailable as error:
            raise SafetyReply(step or degraded_reply(snapshot.facts, now, snapshot.triage), screening) from error

    async def _screen(self, text: str, context: ScreeningContext) -> Screening:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._screener.screen, text, context)

    async def _reply_without_record(self, text: str, now: datetime) -> SafetyReply:
        screening = await self._screen(text, ScreeningContext())
        facts = StudentFacts()
        step = (
            degraded_reply(facts, now) if screening.clear or screening.degraded else open_triage(screening, facts, now)
        )
        return SafetyReply(step, screening)


def _decide(
    snapshot: Snapshot, text: str, screening: Screening, kind: InputKind, now: datetime
) -> tuple[Path, ScriptStep | None]:
    """Choose the path of a turn; the agents get it only when nothing else has a claim."""
    facts = replace(snapshot.facts, input=kind)
    state = snapshot.triage
    if state is None and snapshot.mode is Mode.LIVE_PERSON and not snapshot.triage_unreadable:
        state = counselor_takes_over(None, facts, now).state  # A person is there although the script has no state.
    if state is not None:
        step = advance(state, text, screening, facts, now)
        if step.mode is Mode.LIVE_PERSON:
            return "live_person", step
        if not step.passes_on:
            return "script", step
        if screening.clear:
            return "agent", step
        if screening.degraded and not (screening.crisis or screening.clarify):
            return "careful", degraded_reply(facts, now, state)
    if snapshot.mode is Mode.LIVE_PERSON:
        return "live_person", None
    if screening.crisis or screening.clarify:
        return "script", open_triage(screening, facts, now)
    ordinary = snapshot.mode in (Mode.ORDINARY, Mode.GUARDED) and not snapshot.triage_unreadable
    return ("agent", None) if screening.clear and ordinary else ("careful", degraded_reply(facts, now))


@dataclass(frozen=True, slots=True)
class _Known:
    received: Received
    body_hash: bytes


async def _known_turn(tx: Tx, snapshot: Snapshot, idempotency_key: str) -> _Known | None:
    cursor = await tx.conn.execute(
        "select id, seq, path, body_hash from turns where conversation_id = %s and idempotency_key = %s",
        (snapshot.conversation_id, idempotency_key),
    )
    row = await cursor.fetchone()
    return _Known(Received(TurnId(row[0]), row[1], row[2], repeated=True), bytes(row[3])) if row else None
