"""Rate limits: in Redis, shared by all processes; in this process when Redis is gone."""

from __future__ import annotations

import asyncio

import limits
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from core.errors import TooMany
from core.logs import get_logger

log = get_logger("api.limits")
PATIENCE_SECONDS = 0.2
"""A Redis that is slower than this counts as gone."""
ASIDE_SECONDS = 5.0
"""For how long a Redis that is gone is not asked again: it costs one message its patience, not each."""
GONE = (RedisError, StorageError, OSError)
"""What is raised when Redis refuses, breaks or hangs; a time-out is an `OSError`."""


class Limiter:
    """Counts by name and key; never the reason that a message is not screened."""

    def __init__(self, redis_url: str) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._storage: Storage | None = None
        self._shared: MovingWindowRateLimiter | None = None
        if redis_url:
            scheme = "async+redis+" if redis_url.startswith("unix:") else "async+"
            self._storage = RedisStorage(scheme + redis_url, implementation="redispy", wrap_exceptions=True)
            self._shared = MovingWindowRateLimiter(self._storage)
        self._degraded = False
        self._asked_again = 0.0
        """From when Redis is asked again, on the loop's clock."""

    async def hit(self, name: str, key: str, rate: str) -> None:
        """Count one event; raises `TooMany` beyond `rate`, for example `60/minute`."""
        item = limits.parse(rate)
        if not await self._allowed(item, name, key):
            raise TooMany

    async def shared_answers(self) -> bool:
        """Whether Redis answers."""
        if self._storage is None:
            return False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return bool(await self._storage.check())
        except GONE:
            return False

    async def _allowed(self, item: limits.RateLimitItem, name: str, key: str) -> bool:
        now = asyncio.get_running_loop().time()
        if self._shared is not None and now >= self._asked_again:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    allowed = await self._shared.hit(item, name, key)
            except GONE:
                if not self._degraded:
                    log.warning("limits_local", part="redis")
                self._degraded = True
                self._asked_again = now + ASIDE_SECONDS
            else:
                self._degraded = False
                return allowed
        return await self._local.hit(item, name, key)
