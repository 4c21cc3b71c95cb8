"""Runs turns apart from the request that brought them.

A request may go away, a process may die: the row in `turns` owns the turn, this process only holds its lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
import psycopg
from procrastinate import App

from agents.state import ScreenedTurn
from agents.state import TurnEvent as AgentEvent
from agents.toolbox import LOG_MOOD
from conversations.admission import readmit
from conversations.broker import Broker
from conversations.events import EventName
from conversations.lifecycle import (
    MOST_ATTEMPTS,
    Claim,
    Orphan,
    claim_next,
    extend,
    finish,
    give_up,
    is_taken,
    orphans,
)
from conversations.reply import Reply
from conversations.signals import low_mood_began, take_signal
from core.clock import Clock
from core.crypto import Unreadable
from core.errors import CompanionError, NotFound, Unavailable
from core.ids import ConversationId, TurnId, new_id
from core.logs import get_logger
from db.access import Acting, Database
from safety.policy import Signal
from tools.people.keys import student_key

log = get_logger("conversations.runner")
DEADLINE_SECONDS = 120.0
"""The longest a turn may take, whatever the model or a tool does."""
WATCH_SECONDS = 1.0
"""How often a running reply looks whether the script or a person has taken the conversation in another process."""
FAILED = "Something on my side broke off. What you wrote is saved, and the ways to reach people are above."


class RunsTurn(Protocol):
    """Runs the graph on one screened turn; `agents.run.stream_turn` bound to its services is one."""

    def __call__(self, turn: ScreenedTurn, /) -> AsyncIterator[AgentEvent]:
        """Yield reviewed sentences, activity, citations and one outcome."""
        ...


class Runner:
    """Claims, runs and finishes turns in this process."""

    def __init__(
        self, db: Database, jobs: App, run_turn: RunsTurn, broker: Broker, clock: Clock, *, lease: timedelta
    ) -> None:
        self._db, self._run_turn, self._broker, self._clock, self._lease = db, run_turn, broker, clock, lease
        self._jobs = jobs
        self._owner: UUID = new_id()
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}
        self._again: set[ConversationId] = set()
        self._fresh: dict[TurnId, ScreenedTurn] = {}
        self._speaking: dict[ConversationId, asyncio.Task[None]] = {}

    def start(self, who: Acting, conversation: ConversationId, fresh: ScreenedTurn | None = None) -> None:
        """Make sure that the conversation's unfinished turns are run, detached from the caller."""
        if fresh is not None:
            self._fresh[fresh.turn_id] = fresh
        if conversation in self._tasks:
            self._again.add(conversation)
            return
        task = asyncio.create_task(self._drain(who, conversation))
        self._tasks[conversation] = task
        task.add_done_callback(lambda _: self._after(who, conversation))

    def hush(self, conversation: ConversationId) -> None:
        """Let a reply that runs here fall silent at once: the script or a person has the conversation."""
        speaking = self._speaking.get(conversation)
        if speaking is not None:
            speaking.cancel()

    def _after(self, who: Acting, conversation: ConversationId) -> None:
        self._tasks.pop(conversation, None)
        if conversation in self._again:
            self._again.discard(conversation)
            self.start(who, conversation)

    async def sweep(self) -> int:
        """Take over turns whose process died; returns how many were found."""
        async with self._db.connection() as conn:
            found: list[Orphan] = await orphans(conn)
        for orphan in found:
            self.start(Acting.student(orphan.institution_id, orphan.student_id), orphan.conversation_id)
        return len(found)

    def running(self) -> list[asyncio.Task[None]]:
        """The tasks that run turns now, for who must wait for them."""
        return list(self._tasks.values())

    async def stop(self) -> None:
        """Stop running; unfinished turns keep their rows and are taken over when their lease ends."""
        tasks = self.running()
        self._again.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, who: Acting, conversation: ConversationId) -> None:
        first = True
        try:
            while True:
                async with self._db.acting(who) as tx:
                    claim = await claim_next(
                        tx, conversation, owner=self._owner, now=self._clock.now(), lease=self._lease
                    )
                if claim is None:
                    return
                fresh = self._fresh.pop(claim.turn_id, None)
                # A reply in between has made the history of a waiting message stale: read it again.
                await self._run(who, conversation, claim, fresh if first and claim.attempt == 1 else None)
                first = False
        except Unavailable:
            log.warning("turn_waits_for_database", conversation=str(conversation))

    async def _run(self, who: Acting, conversation: ConversationId, claim: Claim, fresh: ScreenedTurn | None) -> None:
        live = self._broker.begin(claim.turn_id, claim.attempt)
        working = asyncio.current_task()
        keeper = asyncio.create_task(self._keep_alive(who, claim, working)) if working else None
        reply = Reply(live)
        try:
            if claim.taken:
                await self._finish(who, conversation, claim, reply, failed=False)
                return
            if claim.attempt > MOST_ATTEMPTS:
                raise CompanionError(FAILED)
            turn = fresh or await self._reload(who, conversation, claim)
            live.emit(EventName.SCREENING, {"crisis": False, "clarify": False, "careful": False})
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._speak(who, conversation, claim, turn, reply)
            await self._finish(who, conversation, claim, reply, failed=False)
        except Unavailable:
            live.emit(EventName.ERROR, {"code": "unavailable", "message": FAILED})
            raise
        except Exception as error:  # whatever broke, the turn ends with a clear word, not in silence
            log.error("turn_failed", turn=str(claim.turn_id), attempt=claim.attempt, exc_info=error)
            await self._fail(who, conversation, claim, reply)
        finally:
            if keeper is not None:
                keeper.cancel()
            live.abandon()
            self._broker.end(claim.turn_id)

    async def _speak(
        self, who: Acting, conversation: ConversationId, claim: Claim, turn: ScreenedTurn, reply: Reply
    ) -> None:
        """Run the graph until it has ended, or until a later message or a person takes the conversation from it."""
        speaking = asyncio.create_task(self._say(turn, reply))
        self._speaking[conversation] = speaking
        watch = asyncio.create_task(self._watch(who, conversation, claim))
        try:
            await asyncio.wait({speaking}, return_when=asyncio.FIRST_COMPLETED)
            if speaking.cancelled():
                log.info("reply_hushed", turn=str(claim.turn_id))
                return
            speaking.result()
        finally:
            self._speaking.pop(conversation, None)
            watch.cancel()
            speaking.cancel()
            await asyncio.gather(watch, speaking, return_exceptions=True)

    async def _say(self, turn: ScreenedTurn, reply: Reply) -> None:
        async for event in self._run_turn(turn):
            reply.take(event)

    async def _watch(self, who: Acting, conversation: ConversationId, claim: Claim) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                if await self._is_taken(who, conversation, claim):
                    self.hush(conversation)
            except Unavailable:
                continue  # Nothing can be taken over while nothing can be stored.

    async def _is_taken(self, who: Acting, conversation: ConversationId, claim: Claim) -> bool:
        async with self._db.acting(who) as tx:
            return await is_taken(tx, conversation, claim)

    async def _reload(self, who: Acting, conversation: ConversationId, claim: Claim) -> ScreenedTurn:
        async with self._db.acting(who) as tx:
            return await readmit(tx, conversation, claim)

    async def _fail(self, who: Acting, conversation: ConversationId, claim: Claim, reply: Reply) -> None:
        try:
            await self._finish(who, conversation, claim, reply, failed=True)
        except (NotFound, Unreadable):
            async with self._db.acting(who) as tx:
                await give_up(tx, claim.turn_id, owner=self._owner, now=self._clock.now())

    async def _finish(
        self, who: Acting, conversation: ConversationId, claim: Claim, reply: Reply, *, failed: bool
    ) -> None:
        live = reply.live
        final = (
            live.prepare(EventName.ERROR, {"code": "internal", "message": FAILED})
            if failed
            else live.prepare(EventName.DONE, {"path": "agent", "answered_by": reply.versions.get("model")})
        )
        async with self._db.acting(who) as tx:
            stored = await finish(
                tx,
                await student_key(tx),
                conversation,
                claim,
                owner=self._owner,
                reply=reply.text or (FAILED if failed else ""),
                extras=orjson.dumps({"citations": reply.citations, "tools": reply.tools}).decode(),
                events=[*live.events, final],
                versions=reply.versions,
                failed=failed,
                now=self._clock.now(),
            )
        if stored and any(used["tool"] == LOG_MOOD.name for used in reply.tools):
            await self._check_in_on_low_moods(who)
        if stored:
            live.publish(final)
        else:
            log.warning("turn_finished_elsewhere", turn=str(claim.turn_id))

    async def _check_in_on_low_moods(self, who: Acting) -> None:
        """Ask gently when a mood logged in this turn made them low for a while, as one logged elsewhere does."""
        try:
            async with self._db.acting(who) as tx:
                now = self._clock.now()
                if await low_mood_began(tx, at=now):
                    await take_signal(tx, self._jobs, Signal.MOOD_LOW_SUSTAINED, at=now)
        except (CompanionError, psycopg.Error) as error:  # The reply is stored; a question that fails is not worth it.
            log.error("no_check_in", error=type(error).__name__, exc_info=error)

    async def _keep_alive(self, who: Acting, claim: Claim, working: asyncio.Task[Any]) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                async with self._db.acting(who) as tx:
                    kept = await extend(tx, claim.turn_id, owner=self._owner, now=self._clock.now(), lease=self._lease)
            except Unavailable:
                continue  # The next sign of life may get through; if not, another process takes over.
            if not kept:
                log.warning("lease_lost", turn=str(claim.turn_id))
                working.cancel()
                return
