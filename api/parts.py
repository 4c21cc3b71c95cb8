"""The opened parts of one API process, made in the lifespan and closed in reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
from procrastinate import App

from agents.opinion import open_opinion
from agents.run import stream_turn
from agents.services import open_services
from api.limits import Limiter
from api.telemetry import PUSH_SECONDS, PUSH_TIMEOUT_SECONDS, Counters
from conversations.beside import Beside
from conversations.broker import Broker
from conversations.cut_off import LOOK_SECONDS as CALL_SECONDS
from conversations.cut_off import CutOff
from conversations.intake import Intake
from conversations.runner import Runner
from conversations.service import Conversations
from conversations.spool import Spool
from conversations.submitting import Submitting
from conversations.watch import LOOK_SECONDS as WATCH_SECONDS
from conversations.watch import Watch, WatchDesk
from core.clock import Clock, SystemClock
from core.crypto import KeyRing
from core.loops import begin
from core.sealed_box import SealingKey
from core.settings import Settings
from db.access import Database
from db.jobs import job_app
from embedding.load import load_embedder
from embedding.protocol import Embedder
from safety.resources import RULES
from safety.screen import Screener
from tools.academic.canvas.config import CanvasConfig
from tools.academic.canvas.desk import CanvasDesk, open_canvas
from tools.care.channels import open_channels
from tools.care.contacts import REFRESH_SECONDS, Contacts
from tools.care.direct import DirectCall
from tools.care.operator import open_operator
from tools.people.accounts import Accounts
from tools.people.enrolling import Enrolling
from tools.people.mailing import Postbox
from tools.people.recovery import Recovery

SWEEP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What routes may use."""

    settings: Settings
    clock: Clock
    db: Database
    auth: Database
    jobs: App
    accounts: Accounts
    recovery: Recovery
    enrolling: Enrolling
    limiter: Limiter
    embedder: Embedder
    screener: Screener
    conversations: Conversations
    beside: Beside
    """Takes in words that are no message: notes and logs."""
    submitting: Submitting
    canvas: CanvasDesk | None
    """None where the campus has no Canvas."""


@asynccontextmanager
async def open_parts(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Parts]:
    """Open everything the API needs; raises `ConfigurationError` with a message that says what to repair."""
    settings.require_secrets("spool_public_key")
    clock = clock or SystemClock()
    RULES.set(settings.unchecked_lines, clock.now().date())
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    async with AsyncExitStack() as stack:
        db = Database(settings.app_dsn.get_secret_value(), keys, size=settings.pool_size)
        auth = Database(settings.auth_dsn.get_secret_value(), keys, size=2)
        for database in (db, auth):
            stack.push_async_callback(database.close)
            await database.open(must_answer=False)
        embedder = load_embedder(
            settings.embedder,
            settings.home,
            base_url=settings.embedder_base_url,
            api_key=settings.model_api_key.get_secret_value(),
        )
        executor = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="screening"))
        screener = await asyncio.to_thread(Screener.packaged)
        jobs = job_app(settings.app_dsn.get_secret_value())
        services = await asyncio.to_thread(open_services, db, embedder, clock, settings)
        broker = Broker()
        runner = Runner(
            db,
            jobs,
            partial(stream_turn, services=services),
            broker,
            clock,
            lease=timedelta(seconds=settings.turn_lease_seconds),
        )
        config = CanvasConfig.of(settings)
        canvas = await stack.enter_async_context(open_canvas(config, db, clock)) if config else None
        cut_off = await _open_cut_off(stack, settings, db, clock)
        opinion = open_opinion(settings) is not None  # The worker asks it; the API only says that it is wanted.
        intake = Intake(db, jobs, screener, clock, executor, cut_off, second_opinion=opinion)
        conversations = Conversations(db, intake, runner, broker, cut_off, clock)
        beside = Beside(db, jobs, intake, conversations, cut_off, clock)
        stack.push_async_callback(conversations.stop)
        _again(stack, "sweep", conversations.sweep, SWEEP_SECONDS)
        if settings.telemetry_url:
            http = await stack.enter_async_context(httpx.AsyncClient(timeout=PUSH_TIMEOUT_SECONDS))
            _again(stack, "telemetry", Counters(http, settings.telemetry_url).push, PUSH_SECONDS)
        accounts = Accounts(auth, keys, settings, clock)
        yield Parts(
            settings=settings,
            clock=clock,
            db=db,
            auth=auth,
            jobs=jobs,
            accounts=accounts,
            recovery=Recovery(accounts, Postbox(auth, settings)),
            enrolling=Enrolling(accounts),
            limiter=Limiter(settings.redis_url.get_secret_value()),
            embedder=embedder,
            screener=screener,
            conversations=conversations,
            beside=beside,
            submitting=Submitting(db, jobs, beside, clock),
            canvas=canvas,
        )


async def _open_cut_off(stack: AsyncExitStack, settings: Settings, db: Database, clock: Clock) -> CutOff:
    """Open what is left while the database is down: the spool, the contacts, the channels."""
    http = await stack.enter_async_context(httpx.AsyncClient())
    contacts, spool = Contacts(settings.home), Spool(settings.home)
    direct = DirectCall(contacts, open_channels(settings, http), settings.public_url, clock)
    key = SealingKey.from_setting(settings.spool_public_key.get_secret_value(), "COMPANION_SPOOL_PUBLIC_KEY")
    cut_off = CutOff(spool, key, contacts, direct, clock)
    await contacts.learn(db)
    stack.push_async_callback(cut_off.close)
    watch = Watch(WatchDesk(db, clock, open_operator(settings, http), spool))
    _again(stack, "contacts", partial(contacts.learn, db), REFRESH_SECONDS)
    _again(stack, "calls", cut_off.take_up, CALL_SECONDS)
    _again(stack, "watch", watch.look, WATCH_SECONDS)
    return cut_off


def _again(stack: AsyncExitStack, name: str, round_: Callable[[], Awaitable[object]], every: float) -> None:
    """Do something again and again until the parts are closed."""
    stack.callback(begin(name, round_, every=every).cancel)
