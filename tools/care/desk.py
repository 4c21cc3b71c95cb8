"""The worker's desk: its database login, clock, channels and queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid5

import httpx
from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from core.clock import Clock
from core.crypto import KeyRing
from core.ids import InstitutionId, StudentId
from core.settings import Settings
from db.access import Acting, Database, Role
from tools.care.cases import SERVICE
from tools.care.channels import Channel, Recipient, open_channels
from tools.care.notices import Notice
from tools.care.operator import Operator, open_operator
from tools.care.responders import require_responders

LONGEST_WAIT_SECONDS = 300


class Outbox:
    """Mail without a mail server: a page of the operator's. Never in production, where nobody would look."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def configured(self) -> bool:
        return True

    def reaches(self, to: Recipient) -> bool:
        return bool(to.email)

    async def send(self, notice: Notice, to: Recipient) -> None:
        await self.write(notice.institution, to.email or "", notice.subject, notice.body, notice.delivery, to.label)

    async def rehearse(self, notice: Notice, to: Recipient) -> None:
        """Nothing stands between the outbox and its page."""

    async def write(
        self, institution: InstitutionId | None, address: str, subject: str, body: str, about: UUID, label: str
    ) -> None:
        """Keep one mail; the same about the same for the same recipient is kept once."""
        async with self._db.connection() as conn:
            await conn.execute(
                "insert into outbox (id, institution_id, channel, recipient, subject, body)"
                " values (%s, %s, 'email', %s, %s, %s) on conflict (id) do nothing",
                (uuid5(about, label), institution, address, subject, body),
            )


@dataclass(frozen=True, slots=True)
class Desk:
    """What a job may use."""

    settings: Settings
    clock: Clock
    keys: KeyRing
    db: Database
    jobs: App
    channels: Mapping[str, Channel]
    outbox: Outbox
    operator: Operator
    http: httpx.AsyncClient

    def acting(self, institution: str, student: str) -> Acting:
        """The service acting on the rows of a job's student."""
        return Acting(InstitutionId(UUID(institution)), SERVICE, Role.STUDENT, StudentId(UUID(student)))


@asynccontextmanager
async def open_desk(settings: Settings, clock: Clock, jobs: App) -> AsyncIterator[Desk]:
    """Open what the worker's jobs use.

    Raises `ConfigurationError` when its login is not bound by row-level security, and in production when no
    campus has anybody who answers around the clock, or says plainly that nobody does.
    """
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    db = Database(settings.worker_dsn.get_secret_value(), keys, size=settings.pool_size)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(db.close)
        await db.open()
        await require_responders(db, settings)
        http = await stack.enter_async_context(httpx.AsyncClient())
        channels = dict(open_channels(settings, http))
        outbox = Outbox(db)
        if not channels["email"].configured and not settings.production:
            channels["email"] = outbox
        operator = open_operator(settings, http, None if settings.production else outbox)
        yield Desk(settings, clock, keys, db, jobs, channels, outbox, operator, http)


class Backoff(BaseRetryStrategy):
    """Try again after `first` seconds, twice that, and so on up to five minutes; the task itself decides to give up."""

    def __init__(self, first: float) -> None:
        self._first = first

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        seconds = min(self._first * 2 ** min(job.attempts, 12), LONGEST_WAIT_SECONDS)
        return RetryDecision(retry_in={"seconds": max(1, round(seconds))})
