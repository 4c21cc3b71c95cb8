"""Redis refuses, or accepts and never answers: the limit is counted here, and no message waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from api import limits
from api.limits import Limiter
from core.errors import TooMany

IN_TIME_SECONDS = 2.0
"""For all messages of a check; a tenth of what asking Redis each time would take."""
MESSAGES = 100


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A server that accepts every connection and never says a word."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in held:
        writer.close()
    server.close()


async def check(url: str) -> None:
    limiter = Limiter(url)
    try:
        async with asyncio.timeout(IN_TIME_SECONDS):
            for _ in range(MESSAGES):
                await limiter.hit("turns", "maya", f"{MESSAGES}/hour")
            with pytest.raises(TooMany):
                await limiter.hit("turns", "maya", f"{MESSAGES}/hour")
            await limiter.hit("turns", "jonas", f"{MESSAGES}/hour")
            assert not await limiter.shared_answers()
    except TimeoutError:
        pytest.fail("Redis held up a message")


async def test_a_redis_that_hangs_delays_no_turn_and_the_limit_still_holds(silent: str) -> None:
    await check(silent)


async def test_a_redis_that_refuses_leaves_the_limit_to_this_process() -> None:
    await check("redis://127.0.0.1:1")


@pytest.mark.parametrize(("name", "value"), [("PATIENCE_SECONDS", 60.0), ("ASIDE_SECONDS", 0.0)])
async def test_a_limit_that_waits_for_redis_is_noticed(
    silent: str, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(pytest.fail.Exception):
        await check(silent)
