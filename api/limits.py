"""Rate limits: in Redis, shared by all processes; in this process when Redis is gone."""

from __future__ import annotations

import limits
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from core.errors import TooMany
from core.logs import get_logger

log = get_logger("api.limits")


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
            return bool(await self._storage.check())
        except (RedisError, StorageError, OSError):
            return False

    async def _allowed(self, item: limits.RateLimitItem, name: str, key: str) -> bool:
        if self._shared is not None:
            try:
                allowed = await self._shared.hit(item, name, key)
            except (RedisError, StorageError, OSError):
                if not self._degraded:
                    log.warning("limits_local", part="redis")
                self._degraded = True
            else:
                self._degraded = False
                return allowed
        return await self._local.hit(item, name, key)
