"""Sends the anonymous counters away, apart from every turn: a dead endpoint costs a line in the log."""

from __future__ import annotations

import asyncio

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.logs import get_logger

log = get_logger("api.telemetry")
EVERY_SECONDS = 60.0
TIMEOUT_SECONDS = 5.0


async def push_counters(url: str) -> None:
    """Post the counters of this process every minute until cancelled."""
    silent = False
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        while True:
            try:
                await client.post(url, content=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
                silent = False
            except httpx.HTTPError as error:
                if not silent:
                    log.warning("telemetry_unreachable", error=type(error).__name__)
                silent = True
            await asyncio.sleep(EVERY_SECONDS)
