"""What strikes, and when: by how far the students are, so that a slow machine meets the same storm."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tests.chaos.talk import Progress
from tests.chaos.world import World

SHARE_SECONDS = 120.0
"""How long the students have for their share of a phase; a slow machine goes on with what was answered until then."""


@dataclass
class Struck:
    """What was done, in order."""

    log: list[str] = field(default_factory=list)
    database_down_seconds: list[float] = field(default_factory=list)
    turns_in_hand_when_the_api_died: list[int] = field(default_factory=list)
    worker_killed_mid_delivery: bool = False


@dataclass
class Storm:
    """The phases, one after the other; each lets the students send its share of all messages."""

    world: World
    progress: Progress
    messages: int
    struck: Struck = field(default_factory=Struck)
    _share: float = 0.0

    async def strike_all(self) -> Struck:
        """Strike part after part while the students write; everything is back at the end."""
        await self._let(0.05)
        self.world.model.control.set_faults({"kind": "hang", "times": None})
        self._note("the model hangs from here on")
        await self._let(0.10)
        self.world.mail.refuses = True
        self._note("the mail server refuses from here on")
        await self._kill_worker_mid_delivery(0.10)
        await self._database_dies(0.15, and_the_api=False)
        await self._let(0.05)
        await asyncio.to_thread(self.world.kill_redis)
        self._note("Redis killed -9")
        await self._let(0.05)
        await self._kill_api_mid_turn(0.10)
        await self._database_dies(0.15, and_the_api=True)
        await self._let(0.05)
        await asyncio.to_thread(self.world.kill_worker)
        await asyncio.to_thread(self.world.start_worker)
        self._note("the worker killed -9 and started again")
        await self._kill_api_mid_turn(0.10)
        self.world.mail.refuses = False
        self.world.model.control.set_faults()
        await asyncio.to_thread(self.world.restart_redis)
        self._note("mail, model and Redis are back")
        await self._let(1.0)
        return self.struck

    async def _kill_worker_mid_delivery(self, share: float) -> None:
        """Kill the worker while the receiver has handled a notice and has not said so."""
        control = self.world.webhook.control
        seen = len(control.requests())
        control.set_faults({"kind": "timeout", "handled": True})
        self._open(share)
        self.struck.worker_killed_mid_delivery = await self.progress.until(
            lambda: any("fault" in entry["outcome"] for entry in control.requests()[seen:]), SHARE_SECONDS
        )
        await asyncio.to_thread(self.world.kill_worker)
        control.set_faults()
        await asyncio.to_thread(self.world.start_worker)
        self._note("the worker killed -9 mid-delivery and started again")
        await self._answered()

    async def _kill_api_mid_turn(self, share: float) -> None:
        """Kill the API while it has turns in hand."""
        before = self.progress.answered
        self._open(share)
        await self.progress.until(lambda: self.progress.answered >= before + self._in_all(share / 3), SHARE_SECONDS)
        in_hand = len(self.progress.sent) - self.progress.answered
        self.world.site.kill_api()
        await asyncio.to_thread(self.world.site.start, worker=False)
        self.struck.turns_in_hand_when_the_api_died.append(in_hand)
        self._note(f"the API killed -9 with {in_hand} turns in hand and started again")
        await self._answered()

    async def _database_dies(self, share: float, *, and_the_api: bool) -> None:
        """Kill PostgreSQL, perhaps the API with it, which then starts without a database; bring it back afterwards."""
        kept, began = self.progress.kept, time.monotonic()
        await asyncio.to_thread(self.world.postgres.kill)
        if and_the_api:
            self.world.site.kill_api()
            await asyncio.to_thread(self.world.site.start, worker=False)
        self._note("PostgreSQL killed -9" + (" together with the API" if and_the_api else ""))
        await self._let(share)
        await asyncio.to_thread(self.world.postgres.restart)
        self.struck.database_down_seconds.append(time.monotonic() - began)
        self._note(f"PostgreSQL is back; {self.progress.kept - kept} messages were kept")

    async def _let(self, share: float) -> None:
        self._open(share)
        await self._answered()

    def _open(self, share: float) -> None:
        self._share = min(1.0, self._share + share)
        self.progress.let(self._in_all(self._share))

    async def _answered(self) -> None:
        """Wait until the students have been answered up to here."""
        await self.progress.until(lambda: self.progress.answered >= self.progress.may_send, SHARE_SECONDS)

    def _in_all(self, share: float) -> int:
        return round(share * self.messages)

    def _note(self, what: str) -> None:
        self.struck.log.append(f"{self.progress.answered:>4} answered: {what}")
