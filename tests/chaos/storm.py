"""The storm: conversations with planted crises while every part is struck, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg

from conversations.spool import Spool
from safety.screen import Screener
from safety.types import ScreeningContext
from tests.chaos.faults import Storm, Struck
from tests.chaos.talk import CALM, CRISIS, Progress, Sent, talk_all
from tests.chaos.verdict import Verdict, judge
from tests.chaos.world import World

CONVERSATIONS, AT_ONCE = 300, 24
SETTLE_SECONDS = 240.0
OPEN = """
select (select count(*) from turns where state in ('queued', 'running')),
       (select count(*) from deliveries where state = 'committed' and channel in ('email', 'webhook'))
"""
BRING_FORWARD = """
update procrastinate_jobs set scheduled_at = now() where status = 'todo' and task_name in ('deliver', 'second_look')
"""


@dataclass(frozen=True)
class Weathered:
    """What happened, and what is true afterwards."""

    verdict: Verdict
    struck: Struck
    sent: list[Sent]
    storm_seconds: float
    settle_seconds: float

    def figures(self) -> str:
        """The figures as a table."""
        crises = [one.seconds for one in self.sent if one.crisis]
        kept = [one.seconds for one in self.sent if one.crisis and one.status == 202]
        rows: list[tuple[str, object]] = [
            (name.replace("_", " "), value) for name, value in asdict(self.verdict).items()
        ]
        rows += [
            ("tries of the clients", sum(one.tries for one in self.sent)),
            ("crisis answered, seconds p50 / p95 / worst", _percentiles(crises)),
            ("of these while the database was down", _percentiles(kept)),
            ("database down, seconds", ", ".join(f"{seconds:.0f}" for seconds in self.struck.database_down_seconds)),
            ("turns in hand when the API died", self.struck.turns_in_hand_when_the_api_died),
            ("worker killed mid-delivery", "yes" if self.struck.worker_killed_mid_delivery else "no"),
            ("storm / settling, seconds", f"{self.storm_seconds:.0f} / {self.settle_seconds:.0f}"),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join([*self.struck.log, "", *(f"{name:<{width}}  {value}" for name, value in rows)])


def run_storm(world: World, conversations: int = CONVERSATIONS, at_once: int = AT_ONCE) -> Weathered:
    """Let the students write through all of it, wait until everything has settled, and judge."""
    _check_the_words()
    progress, began = Progress(), time.monotonic()

    async def storm() -> Struck:
        striking = asyncio.create_task(Storm(world, progress, 2 * conversations).strike_all())
        await talk_all(world, progress, conversations, at_once)
        return await striking

    struck = asyncio.run(storm())
    storm_seconds, settling = time.monotonic() - began, time.monotonic()
    settle(world)
    return Weathered(judge(world, progress.sent), struck, progress.sent, storm_seconds, time.monotonic() - settling)


def settle(world: World) -> None:
    """Wait until nothing is kept, unanswered or undelivered; retries that are planned for later are brought forward."""
    spool, deadline = Spool(world.settings.home), time.monotonic() + SETTLE_SECONDS
    with psycopg.connect(world.settings.owner_dsn.get_secret_value(), autocommit=True) as owner:
        while time.monotonic() < deadline:
            owner.execute(BRING_FORWARD)
            row = owner.execute(OPEN).fetchone()
            if not spool.waiting() and row is not None and not any(row):
                return
            time.sleep(1.0)


def _check_the_words() -> None:
    """The storm is about delivery: what is planted has to be seen, and what is calm has to be clear."""
    screener = Screener.packaged()
    for words in CRISIS:
        assert screener.screen(f"{words} (note 1.1)", ScreeningContext()).crisis, words
    for words in CALM:
        assert screener.screen(f"{words} (note 1.0)", ScreeningContext()).clear, words


def _percentiles(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] for share in (0.5, 0.95, 1.0)]
    return " / ".join(f"{value:.2f}" for value in at)
