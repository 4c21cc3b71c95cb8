"""Replays the spool when the database is back: in order, each message once, whatever dies in between.

A message is brought in by its own key, so one that was committed already, or that the client sent again meanwhile, is one
message. What the script said at the time is stored as it was said; what waited for an answer takes the ordinary path.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid5

import psycopg
from procrastinate import App

from conversations.asking import is_asked
from conversations.first_transaction import Judged, Path, commit_turn
from conversations.history import begin
from conversations.incoming import turn_for
from conversations.intake import CAME_BETWEEN, MOST_TRIES, Screens, known_turn
from conversations.joining import joined
from conversations.judgement import decide
from conversations.kept import KeptMessage
from conversations.second_look import act_on_late
from conversations.snapshot import Snapshot, read_snapshot
from conversations.spool import Spool, Ticket
from core.clock import Clock
from core.crypto import Unreadable
from core.errors import CompanionError, NotFound, Unavailable
from core.ids import ConversationId, new_id
from core.logs import get_logger
from core.sealed_box import OpeningKeys
from db.access import Database, Tx
from safety.triage.state import TriageStep
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening
from tools.care.direct_record import record_direct_calls

log = get_logger("conversations.replay")
GATHER = timedelta(seconds=60)
"""For so long a replayed entry stays for calls that were under way: longer than any attempt takes."""


class Replayer:
    """Brings spooled messages into the database; whoever holds the private key can be one."""

    def __init__(
        self,
        spool: Spool,
        keys: OpeningKeys,
        db: Database,
        jobs: App,
        screener: Screens,
        clock: Clock,
        *,
        second_opinion: bool = False,
    ) -> None:
        self._spool, self._keys, self._db, self._jobs, self._clock = spool, keys, db, jobs, clock
        self._screener, self._second_opinion = screener, second_opinion

    async def run(self) -> int:
        """Replay all that waits; returns how many messages were brought in.

        An entry that fails holds back what was said after it in its conversation, and nothing else. Raises `SpoolBusy`
        when another process replays, `Unavailable` when the database is down again.
        """
        with self._spool.replaying():
            replayed, held_back = 0, set[ConversationId]()
            for ticket in await asyncio.to_thread(self._spool.waiting):
                if ticket.conversation in held_back:
                    continue
                if await self._replay(ticket):
                    replayed += 1
                else:
                    held_back.add(ticket.conversation)
            await self._gather()
        return replayed

    async def _replay(self, ticket: Ticket) -> bool:
        try:
            kept = await self._open(ticket)
            await self._bring_in(kept)
        except Unavailable:
            raise
        except Exception as error:  # one entry that cannot be brought in must not hold back those of others
            log.error("replay_failed", conversation=str(ticket.conversation), exc_info=error)
            return False
        await asyncio.to_thread(self._spool.finish, ticket)
        log.info("replayed", conversation=str(ticket.conversation), turn=str(kept.turn))
        return True

    async def _open(self, ticket: Ticket) -> KeptMessage:
        return KeptMessage.from_bytes(ticket, await asyncio.to_thread(self._spool.open, ticket, self._keys))

    async def _bring_in(self, kept: KeptMessage) -> None:
        for _ in range(MOST_TRIES):
            try:
                if await self._attempt(kept):
                    return
            except CAME_BETWEEN:
                continue
        raise CompanionError("The message never fits into its conversation.")

    async def _attempt(self, kept: KeptMessage) -> bool:
        """Bring the message in; False when another message came in between and all must be judged again."""
        now, who = self._clock.now(), kept.who
        async with self._db.acting(who) as tx:
            snapshot = await self._snapshot(tx, kept, now)
            known = await known_turn(tx, snapshot, kept.key)
            if known is not None and known.body_hash == snapshot.key.digest(kept.text):
                await self._record_calls(tx, kept.ticket, snapshot.conversation_id)
                return True
        key = kept.key if known is None else str(new_id())  # The client used the key for other words: keep both.
        again = await asyncio.to_thread(self._screener.screen, kept.text, snapshot.context)
        screening = kept.screening.or_worse(again)
        path, step = _as_it_was(kept, snapshot, screening, now)
        turn = turn_for(who, kept.ticket.conversation, key)
        opinion = self._second_opinion and is_asked(path, screening, kept.kind)
        judged = Judged(snapshot, kept.text, key, turn, screening, path, step, now, kept.ticket.at, opinion=opinion)
        async with self._db.acting(who) as tx:
            if await commit_turn(tx, self._jobs, judged) is None:
                return False
            await self._record_calls(tx, kept.ticket, snapshot.conversation_id)
            if kept.step is not None:
                await self._act_on_late(tx, kept, snapshot.conversation_id, screening)
        return True

    async def _act_on_late(self, tx: Tx, kept: KeptMessage, conversation: ConversationId, verdict: Screening) -> None:
        """Act on what the words mean in the light of the conversation, which was not at hand when they were answered.

        With the message or not at all: a message that is known is never looked at again.
        """
        now = self._clock.now()
        snapshot = await read_snapshot(tx, conversation, now)
        if await act_on_late(tx, self._jobs, snapshot, verdict, kept.screening, now) is None:
            raise CompanionError("The conversation went on under the lock of its own message.")

    async def _snapshot(self, tx: Tx, kept: KeptMessage, now: datetime) -> Snapshot:
        """Read the conversation; where there is none that can be read, the message begins one of its own."""
        for conversation in _places(kept):
            try:
                async with tx.conn.transaction():
                    return await read_snapshot(tx, conversation, now)
            except Unreadable:
                continue
            except NotFound:
                pass
            try:
                async with tx.conn.transaction():
                    await begin(tx, at=kept.ticket.at, conversation=conversation)
                    return await read_snapshot(tx, conversation, now)
            except psycopg.errors.UniqueViolation:
                continue  # Deleted by the student, or never theirs.
        raise NotFound

    async def _record_calls(self, tx: Tx, ticket: Ticket, conversation: ConversationId) -> None:
        attempts = await asyncio.to_thread(self._spool.attempts, ticket)
        await record_direct_calls(tx, conversation, ticket.id, ticket.tier, attempts, called_at=ticket.at)

    async def _gather(self) -> None:
        """Store calls that ended while their message was replayed, and forget what is complete."""
        for ticket in await asyncio.to_thread(self._spool.replayed):
            kept = await self._open(ticket)
            async with self._db.acting(kept.who) as tx:
                for conversation in _places(kept):
                    await self._record_calls(tx, ticket, conversation)
            if self._clock.now().timestamp() - self._spool.finished_at(ticket) > GATHER.total_seconds():
                await asyncio.to_thread(self._spool.forget, ticket)


def _places(kept: KeptMessage) -> tuple[ConversationId, ConversationId]:
    """The conversation the student wrote in, and the one that is begun where that one cannot take it."""
    wanted = kept.ticket.conversation
    return wanted, ConversationId(uuid5(wanted, str(kept.student)))


def _with_what_was_said(beside: ScriptStep, said: ScriptStep) -> ScriptStep:
    return replace(
        beside,
        messages=said.messages,
        choices=said.choices,
        resources=said.resources,
        effects=(*beside.effects, *said.effects),
    )


def _as_it_was(
    kept: KeptMessage, snapshot: Snapshot, screening: Screening, now: datetime
) -> tuple[Path, ScriptStep | None]:
    """Return what the script said at the time, put on top of where the conversation really stood."""
    step = kept.step
    if step is None:
        return decide(snapshot, kept.text, screening, kept.kind, now)  # It only waited.
    if snapshot.mode is Mode.LIVE_PERSON:
        # The person reads what was said without them, and stays; whom the script called is called for.
        path, beside = decide(snapshot, kept.text, screening, kept.kind, now)
        return path, _with_what_was_said(beside, step) if beside else None
    if step.state is None or step.state.step is TriageStep.DEGRADED:
        return "careful", replace(step, state=snapshot.triage, mode=snapshot.mode)
    state = joined(snapshot.triage, kept.base, step.state, now)
    return "script", replace(step, state=state, mode=state.mode)
