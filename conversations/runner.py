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

from agents.state import CitedPassage, ReviewedSentence, ScreenedTurn, ToolActivity, TurnOutcome
from agents.state import TurnEvent as AgentEvent
from conversations.admission import readmit
from conversations.broker import Broker, LiveTurn
from conversations.events import EventName
from conversations.lifecycle import MOST_ATTEMPTS, Claim, Orphan, claim_next, extend, finish, give_up, orphans
from core.clock import Clock
from core.crypto import Unreadable
from core.errors import CompanionError, NotFound, Unavailable
from core.ids import ConversationId, TurnId, new_id
from core.logs import get_logger
from db.access import Acting, Database
from safety.types import Mode
from tools.people.keys import student_key

log = get_logger("conversations.runner")
DEADLINE_SECONDS = 120.0
"""The longest a turn may take, whatever the model or a tool does."""
FAILED = "Something on my side broke off. What you wrote is saved, and the ways to reach people are above."


class RunsTurn(Protocol):
    """Runs the graph on one screened turn; `agents.run.stream_turn` bound to its services is one."""

    def __call__(self, turn: ScreenedTurn, /) -> AsyncIterator[AgentEvent]:
        """Yield reviewed sentences, activity, citations and one outcome."""
        ...


class Reply:
    """What a running turn has said so far."""

    def __init__(self, live: LiveTurn) -> None:
        self.live = live
        self.sentences: list[str] = []
        self.citations: list[dict[str, Any]] = []
        self.tools: list[dict[str, str]] = []
        self.versions: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The reply as it is stored."""
        return "".join(self.sentences).strip()

    def take(self, event: AgentEvent) -> None:
        """Keep what the graph said and tell the listeners."""
        match event:
            case ReviewedSentence(text, ends):
                self.sentences.append(text + ends)
                self.live.emit(EventName.SENTENCE, {"index": len(self.sentences) - 1, "text": text, "ends": ends})
            case ToolActivity(tool, label, _):
                self.tools.append({"tool": tool, "label": label})
                self.live.emit(EventName.TOOL, {"tool": tool, "label": label})
            case CitedPassage(anchor, title, section, draft):
                cited = {"anchor": anchor, "title": title, "section": section, "draft": draft}
                self.citations.append(cited)
                self.live.emit(EventName.CITATION, cited)
            case TurnOutcome(route, model, versions):
                self.versions = {"route": route, "model": model, **versions}


class Runner:
    """Claims, runs and finishes turns in this process."""

    def __init__(self, db: Database, run_turn: RunsTurn, broker: Broker, clock: Clock, *, lease: timedelta) -> None:
        self._db, self._run_turn, self._broker, self._clock, self._lease = db, run_turn, broker, clock, lease
        self._owner: UUID = new_id()
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}
        self._again: set[ConversationId] = set()
        self._fresh: dict[TurnId, ScreenedTurn] = {}

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
            if claim.mode not in (Mode.ORDINARY, Mode.GUARDED):
                # A later message took the conversation to the script or to a person: nothing may speak beside them.
                await self._finish(who, conversation, claim, reply, failed=False)
                return
            if claim.attempt > MOST_ATTEMPTS:
                raise CompanionError(FAILED)
            turn = fresh or await self._reload(who, conversation, claim)
            live.emit(EventName.SCREENING, {"crisis": False, "clarify": False, "careful": False})
            async with asyncio.timeout(DEADLINE_SECONDS):
                async for event in self._run_turn(turn):
                    reply.take(event)
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
        if stored:
            live.publish(final)
        else:
            log.warning("turn_finished_elsewhere", turn=str(claim.turn_id))

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
