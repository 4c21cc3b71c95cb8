"""Keeps one process's requests to one Canvas within what its throttle and its health allow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx

from core.clock import Clock
from tools.academic.canvas.config import CanvasConfig, load_figures
from tools.academic.canvas.failures import Busy, Unreachable

Pause = Callable[[float], Awaitable[None]]
THROTTLED = "Rate Limit Exceeded"
REMAINING = "X-Rate-Limit-Remaining"


def is_throttled(response: httpx.Response) -> bool:
    """Whether Canvas refuses for its throttle: 429, or in its older form a 403 that says so."""
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or (
        response.status_code == httpx.codes.FORBIDDEN and THROTTLED in response.text
    )


def wait_before(attempt: int) -> float:
    """Seconds before the next try: doubled each time, capped, with up to half a second of chance."""
    figures = load_figures()["requests"]
    wait = min(figures["first_wait"] * 2.0**attempt, figures["longest_wait"])
    return float(wait) + random.uniform(0, 0.5)  # noqa: S311 - spreads load, guards nothing


class Governor:
    """Requests at once, the quota that a token has left, the token endpoint, and a breaker over all of it."""

    def __init__(self, config: CanvasConfig, clock: Clock, pause: Pause = asyncio.sleep) -> None:
        self._slots = asyncio.Semaphore(config.requests_at_once)
        self._clock, self.pause = clock, pause
        self._owed: dict[Hashable, float] = {}
        self._failures = 0
        self._closed_until: datetime | None = None
        self._token_requests: float = load_figures()["tokens"]["burst"]
        self._token_seconds = 3600 / config.token_requests_per_hour
        self._token_counted_at = clock.now()

    @asynccontextmanager
    async def request(self, whose: Hashable) -> AsyncIterator[None]:
        """Wait for one's turn; raises `Unreachable` while Canvas is given a rest."""
        if self._closed_until and self._clock.now() < self._closed_until:
            raise Unreachable("resting")
        if owed := self._owed.pop(whose, 0.0):
            await self.pause(owed)
        async with self._slots:
            yield

    def note(self, whose: Hashable, response: httpx.Response) -> None:
        """Learn from an answer what the token has left; a low quota is waited for before its next request."""
        self._failures, self._closed_until = 0, None
        figures = load_figures()["requests"]
        try:
            remaining = float(response.headers.get(REMAINING, "inf"))
        except ValueError:
            return
        if not is_throttled(response) and remaining < figures["careful_below"]:
            self._owed[whose] = (figures["careful_below"] - remaining) / figures["leak_per_second"]

    def failed(self) -> None:
        """Count a failure of Canvas itself; some in a row give it a rest."""
        figures = load_figures()["breaker"]
        self._failures += 1
        if self._failures >= figures["failures"]:
            self._failures = 0
            self._closed_until = self._clock.now() + timedelta(seconds=figures["rest"])

    def take_token_request(self) -> None:
        """Count a request to the token endpoint, which Canvas meters by address; raises `Busy` when too many went."""
        now, burst = self._clock.now(), float(load_figures()["tokens"]["burst"])
        passed = max(0.0, (now - self._token_counted_at).total_seconds())
        self._token_requests = min(burst, self._token_requests + passed / self._token_seconds)
        self._token_counted_at = now
        if self._token_requests < 1:
            raise Busy("token", (1 - self._token_requests) * self._token_seconds)
        self._token_requests -= 1
