"""`companion worker`: deliveries, reminders and every other job."""

from __future__ import annotations

import asyncio

from tools.care.delivery import worker_app

from core.logs import configure_logging
from core.settings import Settings

CONCURRENCY = 8


def work(settings: Settings) -> None:
    """Work until stopped; jobs in hand are finished or taken over by another worker."""
    settings.require_secrets()
    configure_logging(settings.log_level)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    app = worker_app(settings)
    async with app.open_async():
        await app.run_worker_async(concurrency=CONCURRENCY, wait=True, listen_notify=True, delete_jobs="successful")
