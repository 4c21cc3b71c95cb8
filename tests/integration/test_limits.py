"""Rate limits: shared by Redis, local when it is gone."""

from __future__ import annotations

import pytest

from api.limits import Limiter
from core.errors import TooMany
from db.embedded import EmbeddedRedis


async def test_processes_share_a_limit_through_redis(redis: EmbeddedRedis) -> None:
    one, other = Limiter(redis.url), Limiter(redis.url)
    await one.hit("shared", "key", "2/hour")
    await other.hit("shared", "key", "2/hour")
    for limiter in (one, other):
        with pytest.raises(TooMany):
            await limiter.hit("shared", "key", "2/hour")


async def test_a_redis_that_is_gone_leaves_a_local_limit() -> None:
    limiter = Limiter("redis://127.0.0.1:9/0")
    assert not await limiter.shared_answers()
    await limiter.hit("gone", "key", "1/hour")
    with pytest.raises(TooMany):
        await limiter.hit("gone", "key", "1/hour")
