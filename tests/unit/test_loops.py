"""What runs for as long as a process lives goes on whatever one round throws."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from core import loops
from core.errors import ConfigurationError, Unavailable
from tests.mutation import seed


class Rounds:
    """Counts rounds, and breaks each in another way."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors, self.done = errors, 0
        self.enough = asyncio.Event()

    async def __call__(self) -> None:
        self.done += 1
        if self.done > len(self.errors):
            self.enough.set()
            return
        raise self.errors[self.done - 1]


async def test_no_error_ends_a_loop() -> None:
    rounds = Rounds(KeyError("a surprise"), OSError(28, "no space left"), Unavailable("down"), RuntimeError("another"))
    task = loops.begin("rounds", rounds, every=0)
    async with asyncio.timeout(30):
        running = asyncio.ensure_future(rounds.enough.wait())
        await asyncio.wait({running, task}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), "one broken round ended the loop"
    assert loops.running() == {"rounds"}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loops.running() == set()


async def test_a_loop_ends_when_it_is_told_to_and_with_what_is_fatal() -> None:
    stopping, rounds = asyncio.Event(), Rounds(ValueError("x"), ConfigurationError("half a key"))
    with pytest.raises(ConfigurationError):
        await loops.keep_doing("rounds", rounds, every=0, stopping=stopping, fatal=(ConfigurationError,))
    assert rounds.done == 2
    stopping.set()
    await loops.keep_doing("rounds", rounds, every=3600, stopping=stopping)
    assert rounds.done == 2


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        await check


async def test_a_loop_that_one_error_ends_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, loops.keep_doing, "except Exception as error:", "except Unavailable as error:")
    monkeypatch.setattr(loops, "Unavailable", Unavailable, raising=False)
    await must_fail(test_no_error_ends_a_loop())
