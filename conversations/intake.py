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
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

import orjson
import psycopg
from procrastinate import App
from psycopg.types.json import Jsonb

from agents.state import ScreenedTurn
from conversations.admission import admit
from conversations.crisis_events import crisis_payload
from conversations.events import Event, EventName, dump_events
from conversations.snapshot import Snapshot, read_snapshot
from core.clock import Clock
from core.errors import Conflict, Unavailable
from core.ids import ConversationId, MessageId, TurnId, new_id
from db.access import Acting, Database, Tx
from safety.script import advance, degraded_reply, open_triage
from safety.triage_types import InputKind, ScriptStep, StudentFacts
from safety.types import Mode, Screening, ScreeningContext
from tools.care.escalation import apply_effects

Allow = Callable[[], Awaitable[None]]
"""May refuse a message that is clear, by raising; it is never asked about any other."""
Path = Literal["agent", "script", "live_person", "careful"]


class Screens(Protocol):
    """Screening as intake needs it; `safety.screen.Screener` is one."""

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message; never raises."""
        ...


async def always() -> None:
    """Allow every message."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is committed."""

    turn_id: TurnId
    seq: int
    path: Path
    repeated: bool
    """The same idempotency key came before: nothing was done again."""
    screened: ScreenedTurn | None = None


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
            while True:
                try:
                    received = await self._attempt(who, conversation, text, idempotency_key, kind, allow)
                except psycopg.errors.UniqueViolation:
                    continue  # Another process took this key or number first: read again and see which.
                if received is not None:
                    return received

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
                known = await _known_turn(tx, snapshot, idempotency_key, text)
        except Unavailable as error:
            raise await self._reply_without_database(text, now) from error
        if known is not None:
            return known
        screening = await self._screen(text, snapshot.context)
        path, step = _decide(snapshot, text, screening, kind, now)
        if path == "agent":
            await allow()
        try:
            async with self._db.acting(who) as tx:
                return await self._commit(tx, snapshot, text, idempotency_key, screening, path, step, now)
        except Unavailable as error:
            raise SafetyReply(step or degraded_reply(snapshot.facts, now, snapshot.triage), screening) from error

    async def _screen(self, text: str, context: ScreeningContext) -> Screening:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._screener.screen, text, context)

    async def _reply_without_database(self, text: str, now: datetime) -> SafetyReply:
        screening = await self._screen(text, ScreeningContext())
        facts = StudentFacts()
        step = (
            degraded_reply(facts, now) if screening.clear or screening.degraded else open_triage(screening, facts, now)
        )
        return SafetyReply(step, screening)

    async def _commit(
        self,
        tx: Tx,
        snapshot: Snapshot,
        text: str,
        idempotency_key: str,
        screening: Screening,
        path: Path,
        step: ScriptStep | None,
        now: datetime,
    ) -> Received | None:
        """Write the first transaction; None when another message came in between and all must be judged again."""
        conversation = snapshot.conversation_id
        taken = await tx.conn.execute(
            "update conversations set next_seq = next_seq + 1, updated_at = %s, mode = %s, triage_sealed = %s"
            " where id = %s and next_seq = %s",
            (now, _mode_after(snapshot, step), _sealed_triage(snapshot, step), conversation, snapshot.next_seq),
        )
        if taken.rowcount == 0:
            return None
        turn_id, message_id = TurnId(new_id()), MessageId(new_id())
        agent = path == "agent"
        await tx.conn.execute(
            "insert into turns (id, institution_id, student_id, conversation_id, seq, idempotency_key, body_hash, path,"
            " state, versions, created_at, finished_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                turn_id, tx.who.institution_id, tx.who.student_id, conversation, snapshot.next_seq, idempotency_key,
                snapshot.key.digest(text), path, "queued" if agent else "done",
                Jsonb({"screening": screening.version}), now, None if agent else now,
            ),
        )  # fmt: skip
        await self._store_message(tx, snapshot, turn_id, message_id, text, now)
        await self._store_screening(tx, snapshot, message_id, screening, now)
        if step is not None:
            await self._store_script(tx, snapshot, turn_id, screening, path, step, now)
        mode = _mode_after(snapshot, step)
        screened = admit(tx.who, snapshot, turn_id, text, screening, mode, received_at=now) if agent else None
        return Received(turn_id, snapshot.next_seq, path, repeated=False, screened=screened)

    async def _store_message(
        self, tx: Tx, snapshot: Snapshot, turn_id: TurnId, message_id: MessageId, text: str, now: datetime
    ) -> None:
        await tx.conn.execute(
            "insert into messages (id, institution_id, student_id, conversation_id, turn_id, seq, author, body_sealed,"
            " created_at) values (%s, %s, %s, %s, %s, %s, 'student', %s, %s)",
            (
                message_id, tx.who.institution_id, tx.who.student_id, snapshot.conversation_id, turn_id,
                snapshot.next_seq, snapshot.key.seal(text, f"messages.body:{message_id}"), now,
            ),
        )  # fmt: skip

    async def _store_screening(
        self, tx: Tx, snapshot: Snapshot, message_id: MessageId, screening: Screening, now: datetime
    ) -> None:
        evidence = orjson.dumps([asdict(entry) for entry in screening.evidence]).decode()
        await tx.conn.execute(
            "insert into screenings (message_id, institution_id, student_id, conversation_id, crisis, clarify,"
            " category, severity, score, evidence_sealed, degraded, version, created_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                message_id, tx.who.institution_id, tx.who.student_id, snapshot.conversation_id, screening.crisis,
                screening.clarify, screening.category, screening.severity, screening.score,
                snapshot.key.seal(evidence, f"screenings.evidence:{message_id}"), list(screening.degraded),
                screening.version, now,
            ),
        )  # fmt: skip

    async def _store_script(
        self,
        tx: Tx,
        snapshot: Snapshot,
        turn_id: TurnId,
        screening: Screening,
        path: Path,
        step: ScriptStep,
        now: datetime,
    ) -> None:
        await apply_effects(tx, self._jobs, snapshot.conversation_id, step.effects, at=now)
        if path == "agent":
            return
        payload = crisis_payload(step)
        for part, message in enumerate(step.messages, start=1):
            message_id = new_id()
            extras = orjson.dumps(payload).decode() if part == len(step.messages) else None
            await tx.conn.execute(
                "insert into messages (id, institution_id, student_id, conversation_id, turn_id, seq, part, author,"
                " body_sealed, extras_sealed, created_at) values (%s, %s, %s, %s, %s, %s, %s, 'script', %s, %s, %s)",
                (
                    message_id, tx.who.institution_id, tx.who.student_id, snapshot.conversation_id, turn_id,
                    snapshot.next_seq, part, snapshot.key.seal(message, f"messages.body:{message_id}"),
                    snapshot.key.seal(extras, f"messages.extras:{message_id}") if extras else None, now,
                ),
            )  # fmt: skip
        events = _script_events(screening, path, payload)
        sealed = snapshot.key.seal(dump_events(events), f"turns.events:{turn_id}")
        await tx.conn.execute("update turns set events_sealed = %s where id = %s", (sealed, turn_id))


def _decide(
    snapshot: Snapshot, text: str, screening: Screening, kind: InputKind, now: datetime
) -> tuple[Path, ScriptStep | None]:
    """Choose the path of a turn; the agents get it only when nothing else has a claim."""
    facts = replace(snapshot.facts, input=kind)
    if snapshot.triage is not None:
        step = advance(snapshot.triage, text, screening, facts, now)
        if step.mode is Mode.LIVE_PERSON:
            return "live_person", step
        if not step.passes_on:
            return "script", step
        if screening.clear:
            return "agent", step
        if screening.degraded and not (screening.crisis or screening.clarify):
            return "careful", degraded_reply(facts, now, snapshot.triage)
    if snapshot.mode is Mode.LIVE_PERSON:
        return "live_person", None
    if screening.crisis or screening.clarify:
        return "script", open_triage(screening, facts, now)
    if screening.degraded or snapshot.triage_unreadable:
        return "careful", degraded_reply(facts, now)
    return "agent", None


def _mode_after(snapshot: Snapshot, step: ScriptStep | None) -> Mode:
    return step.mode if step is not None else snapshot.mode


def _sealed_triage(snapshot: Snapshot, step: ScriptStep | None) -> bytes | None:
    state = step.state if step is not None else snapshot.triage
    if state is None:
        return None
    return snapshot.key.seal(orjson.dumps(state.to_dict()).decode(), f"conversations.triage:{snapshot.conversation_id}")


def _script_events(screening: Screening, path: Path, payload: dict[str, object]) -> list[Event]:
    return [
        Event("1.1", EventName.SCREENING, screening_payload(screening)),
        Event("1.2", EventName.CRISIS, payload),
        Event("1.3", EventName.DONE, {"path": path}),
    ]


def screening_payload(screening: Screening) -> dict[str, object]:
    """What a client may know of the screening: whether the ordinary path was left, never a score."""
    return {"crisis": screening.crisis, "clarify": screening.clarify, "careful": bool(screening.degraded)}


async def _known_turn(tx: Tx, snapshot: Snapshot, idempotency_key: str, text: str) -> Received | None:
    cursor = await tx.conn.execute(
        "select id, seq, path, body_hash from turns where conversation_id = %s and idempotency_key = %s",
        (snapshot.conversation_id, idempotency_key),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if bytes(row[3]) != snapshot.key.digest(text):
        raise Conflict("This was sent before with other words. Send it as a new message.")
    return Received(TurnId(row[0]), row[1], row[2], repeated=True)
