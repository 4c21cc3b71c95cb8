"""Intake and runner over a real database, the real screener, and a responder that the test steers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from procrastinate import App

from agents.state import ReviewedSentence, ScreenedTurn, TurnEvent, TurnOutcome
from conversations import history
from conversations.beside import Beside
from conversations.broker import Broker
from conversations.intake import Intake
from conversations.runner import Runner
from conversations.service import Conversations
from core.clock import SystemClock
from core.ids import ConversationId
from core.settings import Settings
from db.access import Acting, Database
from db.jobs import job_app
from safety.screen import Screener
from tests.cut_off import make_cut_off


@dataclass
class Echo:
    """Stands where the graph stands: says what it got, waits when told to, and counts."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[ScreenedTurn] = field(default_factory=list)
    fail: bool = False

    async def __call__(self, turn: ScreenedTurn, /) -> AsyncIterator[TurnEvent]:
        self.seen.append(turn)
        yield ReviewedSentence(f"You said: {turn.text}.")
        await self.gate.wait()
        if self.fail:
            raise RuntimeError("the responder broke")
        yield ReviewedSentence("That is all.")
        yield TurnOutcome("support", "echo", {"prompt": "1"})


@dataclass
class Desk:
    """Everything a test of turns needs."""

    db: Database
    jobs: App
    service: Conversations
    intake: Intake
    runner: Runner
    echo: Echo
    beside: Beside

    async def begin(self, who: Acting) -> ConversationId:
        async with self.db.acting(who) as tx:
            return await history.begin(tx, at=self.service.now())

    async def texts(self, who: Acting, conversation: ConversationId) -> list[tuple[str, str]]:
        """Who said what; notices about the software itself have tests of their own."""
        async with self.db.acting(who) as tx:
            found = await history.read_messages(tx, conversation)
        return [(m.author, m.text) for m in found if "notice" not in m.extras]


@pytest.fixture(scope="session")
def screener() -> Screener:
    """The real screener; loading it takes a moment."""
    return Screener.packaged()


def make_runner(database: Database, echo: Echo, broker: Broker, jobs: App, lease_seconds: float = 30) -> Runner:
    """A second process, as far as leases are concerned."""
    return Runner(database, jobs, echo, broker, SystemClock(), lease=timedelta(seconds=lease_seconds))


@pytest.fixture
async def desk(database: Database, settings: Settings, screener: Screener) -> AsyncIterator[Desk]:
    """A desk whose responder answers at once unless its gate is cleared."""
    clock, broker, echo = SystemClock(), Broker(), Echo()
    echo.gate.set()
    with ThreadPoolExecutor(2) as executor:
        async with httpx.AsyncClient() as http:
            cut_off = make_cut_off(settings, clock, http)
            jobs = job_app(settings.app_dsn.get_secret_value())
            intake = Intake(database, jobs, screener, clock, executor, cut_off)
            runner = make_runner(database, echo, broker, jobs)
            service = Conversations(database, intake, runner, broker, cut_off, clock)
            beside = Beside(database, jobs, intake, service, cut_off, clock)
            yield Desk(database, jobs, service, intake, runner, echo, beside)
            await runner.stop()
            await cut_off.close()
