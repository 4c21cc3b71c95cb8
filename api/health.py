"""What of this process answers: one look for the readiness check and for the counters."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from prometheus_client import Gauge

from api.parts import Parts
from core.errors import Unavailable

PATIENCE_SECONDS = 2.0
"""A part that is slower than this counts as down; probes themselves give up after three seconds."""
PART_UP = Gauge("companion_part_up", "1: the part answers whole; 0: it is down, or answers in part", ["part"])


class Part(StrEnum):
    """What a process needs."""

    SCREENING = "screening"
    """Without it no student is answered safely. With it a crisis gets the fixed reply whatever else is down."""
    DATABASE = "database"
    REDIS = "redis"


class State(StrEnum):
    """How a part does."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


async def look(parts: Parts) -> dict[Part, State]:
    """Ask every part at once, and set the gauges by what they answer; takes no longer than the patience with one."""
    looks = (_screening(parts), _database(parts), _redis(parts))
    found = dict(zip(Part, await asyncio.gather(*looks), strict=True))
    for part, state in found.items():
        PART_UP.labels(part.value).set(state is State.OK)
    return found


async def _screening(parts: Parts) -> State:
    verdict = await parts.conversations.screens(PATIENCE_SECONDS)
    if verdict is None:
        return State.DOWN
    return State.DEGRADED if verdict.degraded else State.OK


async def _database(parts: Parts) -> State:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), parts.db.connection() as conn:
            await conn.execute("select 1")
    except (Unavailable, TimeoutError):
        return State.DOWN
    return State.OK


async def _redis(parts: Parts) -> State:
    return State.OK if await parts.limiter.shared_answers() else State.DOWN
