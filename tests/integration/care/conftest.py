"""A campus with cases: real database, queue, worker and script; the screening is told what to find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from procrastinate import App
from psycopg import sql

from conversations import history
from conversations.first_transaction import Received
from conversations.incoming import Incoming
from conversations.intake import Intake
from conversations.ticks import add_ticks
from core.clock import ManualClock
from core.ids import AccountId, CaseId, ConversationId, new_id
from core.settings import Settings
from db.access import Acting, Database, Role
from db.jobs import job_app
from safety.triage.state import TriageState
from safety.types import Category, Evidence, Screening, ScreeningContext, Severity
from tests.conftest import PASSWORD, People
from tests.cut_off import make_cut_off
from tools.care.delivery import WorkerApp, worker_app
from tools.people.accounts import NewAccount

WORDS = "I can't go on, I have the pills here"
CLEAR = Screening(False, False, Category.NONE, Severity.NONE, 0.01, (), "test-1")


def crisis(severity: Severity = Severity.HIGH, category: Category = Category.SUICIDE) -> Screening:
    """A verdict that leaves the ordinary path."""
    quote = Evidence("lexicon", "test.rule", WORDS)
    return Screening(True, False, category, severity, 0.97, (quote,), "test-1")


@dataclass
class Verdict:
    """Screening that finds what the test says."""

    found: Screening = field(default_factory=crisis)

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        return self.found


@dataclass
class Campus:
    """What a test of care acts on."""

    settings: Settings
    db: Database
    jobs: App
    clock: ManualClock
    people: People
    verdict: Verdict
    intake: Intake

    async def begin(self, who: Acting) -> ConversationId:
        async with self.db.acting(who) as tx:
            return await history.begin(tx, at=self.clock.now())

    async def say(self, conversation: ConversationId, text: str, found: Screening = CLEAR) -> Received:
        self.verdict.found = found
        return await self.intake.receive(Incoming(self.people.maya, conversation, text, str(new_id())))

    async def crisis(self, severity: Severity = Severity.HIGH, category: Category = Category.SUICIDE) -> ConversationId:
        """A conversation of Maya's whose first message opened a case."""
        conversation = await self.begin(self.people.maya)
        await self.say(conversation, WORDS, crisis(severity, category))
        return conversation

    async def case_of(self, conversation: ConversationId) -> CaseId:
        rows = self.rows("select id from cases where conversation_id = %s order by opened_at desc", conversation)
        return CaseId(rows[0]["id"])

    async def texts(self, conversation: ConversationId) -> list[tuple[str, str]]:
        """Who said what; notices about the software itself have tests of their own."""
        async with self.db.acting(self.people.maya) as tx:
            found = await history.read_messages(tx, conversation)
        return [(m.author, m.text) for m in found if "notice" not in m.extras]

    async def state(self, conversation: ConversationId) -> TriageState | None:
        from conversations.snapshot import read_snapshot  # noqa: PLC0415

        async with self.db.acting(self.people.maya) as tx:
            return (await read_snapshot(tx, conversation, self.clock.now())).triage

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read as the owner, whom row-level security lets see everything."""
        with psycopg.connect(self.settings.owner_dsn.get_secret_value(), row_factory=psycopg.rows.dict_row) as owner:
            return owner.execute(query, values).fetchall()  # type: ignore[arg-type]

    def count(self, table: str) -> int:
        """How many rows a table holds."""
        with psycopg.connect(self.settings.owner_dsn.get_secret_value()) as owner:
            row = owner.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        return int(row[0])

    def change(self, query: str, *values: object) -> None:
        with psycopg.connect(self.settings.owner_dsn.get_secret_value()) as owner:
            owner.execute(query, values)  # type: ignore[arg-type]

    def pass_time(self, by: timedelta) -> None:
        """Move the clock, and with it every job that is due by then."""
        self.clock.advance(by)
        self.change(
            "update procrastinate_jobs set scheduled_at = now() where status = 'todo' and scheduled_at <= %s",
            self.clock.now(),
        )

    def make_retries_due(self) -> None:
        """Let jobs that failed once be tried now."""
        self.change("update procrastinate_jobs set scheduled_at = now() where status = 'todo' and attempts > 0")


@pytest.fixture
def clock() -> ManualClock:
    """Time that moves only when it is moved."""
    return ManualClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
async def campus(
    settings: Settings, database: Database, people: People, clock: ManualClock, executor: ThreadPoolExecutor
) -> AsyncIterator[Campus]:
    """Two campuses and one student who may be in danger."""
    verdict, jobs = Verdict(), job_app(settings.app_dsn.get_secret_value())
    async with httpx.AsyncClient() as http:
        cut_off = make_cut_off(settings, clock, http)
        intake = Intake(database, jobs, verdict, clock, executor, cut_off)
        yield Campus(settings, database, jobs, clock, people, verdict, intake)
        await cut_off.close()


async def open_worker(settings: Settings, clock: ManualClock) -> AsyncIterator[WorkerApp]:
    app = worker_app(settings, add_ticks, clock=clock)
    async with app.open_async():
        yield app


@pytest.fixture
async def worker(settings: Settings, people: People, clock: ManualClock) -> AsyncIterator[WorkerApp]:
    """A worker over this test's database, its desk open."""
    async for app in open_worker(settings, clock):
        yield app


async def until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for what another process or task brings about."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not what():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


async def drain(app: WorkerApp) -> None:
    """Do every job that is due, those that jobs make included, and stop."""
    app.periodic_registry.periodic_tasks.clear()
    while True:
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False, concurrency=4)
        async with app.desk.db.connection() as conn:
            cursor = await conn.execute(
                "select 1 from procrastinate_jobs where status = 'todo' and coalesce(scheduled_at, now()) <= now()"
            )
            if await cursor.fetchone() is None:
                return


async def add_person(people: People, campus: str, name: str, role: Role) -> Acting:
    """One more account."""
    account = NewAccount(f"{name}@{campus}.example", PASSWORD, name.title(), "18_24", "US", "America/Denver")
    return await people.accounts.register(campus, account, role)


def as_student(who: Acting, student: AccountId) -> Acting:
    """A member of staff who claims to be acting on a student's rows."""
    return replace(who, student_id=student)
