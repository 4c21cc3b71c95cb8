"""What a process does again and again for as long as it lives: a round that breaks is logged, and the next one comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from core.logs import get_logger

log = get_logger("core.loops")
PREFIX = "loop: "


async def keep_doing(
    name: str,
    round_: Callable[[], Awaitable[object]],
    *,
    every: float,
    stopping: asyncio.Event | None = None,
    fatal: tuple[type[Exception], ...] = (),
) -> None:
    """Do one round after another, `every` seconds apart, until cancelled or until `stopping` is set.

    Raises what is `fatal`, and nothing else: a watcher that one surprise could end would watch no more, and nobody
    would know.
    """
    while stopping is None or not stopping.is_set():
        try:
            await round_()
        except fatal:
            raise
        except Exception as error:  # whatever it is, it must cost this round alone
            log.error("loop_broke", loop=name, error=type(error).__name__, exc_info=error)
        if stopping is None:
            await asyncio.sleep(every)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), every)


def begin(name: str, round_: Callable[[], Awaitable[object]], *, every: float) -> asyncio.Task[None]:
    """Start a loop as a task of its own, named after it; whoever starts it cancels it."""
    return asyncio.create_task(keep_doing(name, round_, every=every), name=f"{PREFIX}{name}")


def running() -> set[str]:
    """Names of the loops that run in this process now."""
    return {task.get_name().removeprefix(PREFIX) for task in asyncio.all_tasks() if task.get_name().startswith(PREFIX)}
