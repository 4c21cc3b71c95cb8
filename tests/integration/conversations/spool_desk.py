"""Intake over a PostgreSQL that dies, with the spool, the contacts and every channel of the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from conversations import history
from conversations.cut_off import CutOff
from conversations.first_transaction import Received
from conversations.incoming import Incoming
from conversations.intake import Intake
from conversations.replay import Replayer
from conversations.replaying import opening_keys
from conversations.spool import Spool
from core.clock import Clock, SystemClock
from core.crypto import KeyRing
from core.errors import Unavailable
from core.ids import ConversationId, InstitutionId, new_id
from core.settings import Settings
from db.access import Acting, Database, Role
from db.jobs import job_app
from safety.types import Category, Evidence, Screening, ScreeningContext, Severity
from tests.conftest import PASSWORD, make_campus
from tests.cut_off import make_cut_off
from tests.mortal import MortalPostgres
from tools.care.contacts import Contacts
from tools.people.accounts import Accounts, NewAccount

CRISIS = "I am going to kill myself, I have the pills here"
BACK_SECONDS = 60
CALM = "my lab report is due friday"


@dataclass
class Words:
    """Screening by plain words, so that a test says what is found."""

    seen: list[ScreeningContext] = field(default_factory=list)

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        self.seen.append(context)
        if "kill" in text:
            quote = Evidence("lexicon", "test.rule", text)
            return Screening(True, False, Category.SUICIDE, Severity.HIGH, 0.97, (quote,), "test-1")
        return Screening(False, False, Category.NONE, Severity.NONE, 0.01, (), "test-1")


@dataclass
class SpoolDesk:
    """What a test of the spool acts on."""

    settings: Settings
    postgres: MortalPostgres
    db: Database
    contacts: Contacts
    cut_off: CutOff
    intake: Intake
    spool: Spool
    words: Words
    clock: Clock
    maya: Acting
    jonas: Acting

    async def begin(self, who: Acting | None = None) -> ConversationId:
        async with self.db.acting(who or self.maya) as tx:
            return await history.begin(tx, at=self.clock.now())

    async def say(
        self, conversation: ConversationId, text: str, key: str | None = None, who: Acting | None = None
    ) -> Received:
        return await self.intake.receive(Incoming(who or self.maya, conversation, text, key or str(new_id())))

    @asynccontextmanager
    async def replayer(self, settings: Settings | None = None) -> AsyncIterator[Replayer]:
        """The worker's part, over its own login."""
        over = settings or self.settings
        keys = KeyRing.from_setting(over.master_key.get_secret_value())
        dsn = over.worker_dsn.get_secret_value()
        db = Database(dsn, keys, size=2)
        await db.open()
        try:
            yield Replayer(self.spool, opening_keys(over), db, job_app(dsn), self.words, self.clock)
        finally:
            await db.close()

    async def replay(self) -> int:
        async with self.replayer() as replayer:
            return await replayer.run()

    async def restart(self) -> None:
        """Start the database again, and wait until it answers the service."""
        self.postgres.restart()
        deadline = asyncio.get_running_loop().time() + BACK_SECONDS
        while True:
            try:
                async with self.db.connection():
                    return
            except Unavailable:
                assert asyncio.get_running_loop().time() < deadline

    async def texts(self, conversation: ConversationId, who: Acting | None = None) -> list[tuple[str, str]]:
        async with self.db.acting(who or self.maya) as tx:
            return [(m.author, m.text) for m in await history.read_messages(tx, conversation)]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read as the owner, whom row-level security lets see everything."""
        dsn = self.settings.owner_dsn.get_secret_value()
        with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as owner:
            return owner.execute(query, values).fetchall()  # type: ignore[arg-type]


@asynccontextmanager
async def open_spool_desk(settings: Settings, postgres: MortalPostgres) -> AsyncIterator[SpoolDesk]:
    """Open everything while the database still lives; two students of one campus."""
    clock, keys = SystemClock(), KeyRing.from_setting(settings.master_key.get_secret_value())
    institution = make_campus(settings, f"c{new_id().hex}", line_24_7={"email": "line@x.example"})
    auth = Database(settings.auth_dsn.get_secret_value(), keys, size=1)
    db = Database(settings.app_dsn.get_secret_value(), keys, size=4)
    await auth.open()
    await db.open()
    try:
        accounts = Accounts(auth, keys, settings, clock)
        maya, jonas = [await _student(accounts, settings, institution, name) for name in ("maya", "jonas")]
        contacts, words = Contacts(settings.home), Words()
        await contacts.learn(db)
        with ThreadPoolExecutor(2) as executor:
            async with httpx.AsyncClient() as http:
                cut_off = make_cut_off(settings, clock, http, contacts)
                jobs = job_app(settings.app_dsn.get_secret_value())
                intake = Intake(db, jobs, words, clock, executor, cut_off)
                spool = Spool(settings.home)
                yield SpoolDesk(settings, postgres, db, contacts, cut_off, intake, spool, words, clock, maya, jonas)
                await cut_off.close()
    finally:
        await auth.close()
        await db.close()


async def _student(accounts: Accounts, settings: Settings, institution: InstitutionId, name: str) -> Acting:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute("select slug from institutions where id = %s", (institution,)).fetchone()
    assert row is not None
    account = NewAccount(f"{name}-{new_id().hex}@x.example", PASSWORD, name.title(), "18_24", "US", "America/Denver")
    return await accounts.register(row[0], account, Role.STUDENT)
