"""The worker's life: it works until it is told to stop, and outlives a database that goes away for a while."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

from core.errors import ConfigurationError, Unavailable
from core.logs import get_logger
from core.loops import keep_doing
from core.settings import Settings
from tools.care.delivery import AddTasks, WorkerApp, worker_app

log = get_logger("care.working")
CONCURRENCY = 8
GRACE_SECONDS = 20.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 15.0


Beside = Callable[[Settings, asyncio.Event], Awaitable[None]]
"""What goes on beside the jobs until the event is set, whether the database answers or not."""


async def work(settings: Settings, *more: AddTasks, beside: Sequence[Beside] = ()) -> None:
    """Work until SIGINT or SIGTERM; jobs in hand are finished, or taken over when their worker's sign of life ends.

    Raises `ConfigurationError` when the login is not bound by row-level security.
    """
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    main = asyncio.create_task(work_until(settings, stopping, *more))
    tasks = [main, *(asyncio.create_task(_again_and_again(task, settings, stopping)) for task in beside)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    stopping.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome


async def _again_and_again(task: Beside, settings: Settings, stopping: asyncio.Event) -> None:
    """Begin a task anew when it ends or breaks; only a wrong configuration ends the worker."""
    await keep_doing(
        getattr(task, "__name__", "beside"),
        partial(task, settings, stopping),
        every=FIRST_WAIT_SECONDS,
        stopping=stopping,
        fatal=(ConfigurationError,),
    )


async def work_until(settings: Settings, stopping: asyncio.Event, *more: AddTasks) -> None:
    """Work until `stopping` is set."""
    wait = FIRST_WAIT_SECONDS
    while not stopping.is_set():
        app = worker_app(settings, *more)
        try:
            async with app.open_async():
                log.info("worker_started")
                wait = FIRST_WAIT_SECONDS
                await _run(app, stopping)
        except (psycopg.Error, ConnectorException, PoolTimeout, Unavailable) as error:
            log.warning("worker_waits_for_database", error=type(error).__name__)
        if not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)


async def _run(app: WorkerApp, stopping: asyncio.Event) -> None:
    """Run one worker; ends without an error when one of its side tasks lost the database."""
    working = asyncio.create_task(
        app.run_worker_async(
            concurrency=CONCURRENCY,
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE_SECONDS,
        )
    )
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not working.done():
        working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    if not working.cancelled() and (error := working.exception()):
        raise error
