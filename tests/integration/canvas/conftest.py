"""A student connected with the simulated Canvas, over a real socket and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from procrastinate import App

from core.clock import ManualClock
from core.crypto import KeyRing
from core.settings import Settings
from db.access import Acting, Database
from db.jobs import job_app
from simulators.canvas.browser import consent
from simulators.run import Running, serve_in_process
from tests.conftest import People
from tools.academic.canvas import mirror, service
from tools.academic.canvas.config import CanvasConfig
from tools.academic.canvas.connections import CanvasConnection, read_connection
from tools.academic.canvas.desk import CanvasDesk, canvas_over, open_canvas
from tools.academic.canvas.mirror import Kept
from tools.academic.canvas.models import Course, Work
from tools.academic.canvas.statuses import CanvasStatus
from tools.academic.canvas.sync import sync
from tools.people.consent import ConsentKind, consent_texts, give_consent
from tools.people.keys import student_key

NOW = datetime(2026, 9, 24, 18, tzinfo=UTC)
MAYA, JONAS, PRIYA = 4821, 4822, 4825
UNSCOPED = ("10001", "unscoped-development-secret")
SCOPED = ("10002", "scoped-development-secret")
NO_INCLUDES = ("10003", "no-includes-development-secret")
CHEMISTRY = "31427"


@pytest.fixture(scope="session")
def simulated() -> Iterator[Running]:
    with serve_in_process("simulators.canvas", "--now", "2026-09-24T18:00:00Z") as running:
        yield running


@dataclass
class Bench:
    """The service's Canvas desk, the simulator behind it, and two students."""

    simulated: Running
    desk: CanvasDesk
    clock: ManualClock
    jobs: App
    people: People
    owner_dsn: str
    people_db: Database
    """The API's login: only there may a student agree to something."""
    waited: list[float] = field(default_factory=list)

    @property
    def api_desk(self) -> CanvasDesk:
        """The desk as the API has it."""
        return replace(self.desk, db=self.people_db)

    def change(self, **step: Any) -> None:
        url = f"{self.simulated.control.url}/__control__/changes"
        httpx.post(url, json=[step], headers=self.simulated.control.headers).raise_for_status()

    def pass_time(self, by: timedelta) -> None:
        """Move our clock and Canvas's together."""
        self.clock.advance(by)
        self.change(op="clock", seconds=by.total_seconds())

    async def pause(self, seconds: float) -> None:
        """Waiting moves both clocks instead of the test's time."""
        self.waited.append(seconds)
        self.pass_time(timedelta(seconds=seconds))

    def fault(self, kind: str, path: str = "", **more: Any) -> None:
        if kind in ("timeout", "slow_body"):
            self._wait_less()
        seconds = {"slow_body": {"seconds": 30}, "clock_skew": {"seconds": -90_000}}.get(kind, {})
        self.simulated.control.set_faults({"kind": kind, "path": path, **seconds, **more})

    def _wait_less(self) -> None:
        """Only a test of silence has a short patience: a busy machine is no silent Canvas."""
        config = replace(self.desk.config, timeout=1.5)
        self.desk = canvas_over(config, self.desk.db, self.clock, self.desk.http, self.pause)

    def asked(self, path: str = "") -> list[dict[str, Any]]:
        """The requests for a path that reached Canvas."""
        return [row for row in self.simulated.control.requests() if path in row["path"]]

    async def agree(self, who: Acting) -> None:
        """The student's yes here, which comes before Canvas is asked."""
        async with self.people_db.acting(who) as tx:
            version = consent_texts()[ConsentKind.CANVAS].version
            await give_consent(tx, ConsentKind.CANVAS, version, at=self.clock.now())

    async def answer_of(self, who: Acting, user: int, *, deny: bool = False) -> dict[str, str]:
        """What Canvas sends the browser back with after the student agreed here and said yes or no there."""
        await self.agree(who)
        location = consent(await service.begin_sign_in(self.desk, who), user, deny=deny)
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    async def connect(self, who: Acting, user: int) -> CanvasStatus:
        answer = await self.answer_of(who, user)
        return await service.finish_sign_in(
            self.desk, self.jobs, who, state=answer["state"], code=answer["code"], error=None
        )

    async def sync(self, who: Acting) -> str | None:
        return await sync(self.desk, who)

    async def connection(self, who: Acting) -> CanvasConnection:
        async with self.desk.db.acting(who) as tx:
            found = await read_connection(tx)
        assert found is not None
        return found

    async def status(self, who: Acting) -> CanvasStatus:
        return await service.read_status(self.desk, self.desk.db, who)

    async def all(self, who: Acting, model: type[Kept]) -> list[Kept]:
        async with self.desk.db.acting(who) as tx:
            return await mirror.read(tx, await student_key(tx), model)

    async def work(self, who: Acting, name: str) -> Work:
        [found] = [one for one in await self.all(who, Work) if one.name == name]
        return found

    async def course(self, who: Acting, course_id: str = CHEMISTRY) -> Course:
        [found] = [one for one in await self.all(who, Course) if one.id == course_id]
        return found

    async def picture(self, who: Acting) -> dict[str, list[str]]:
        """Everything that the mirror holds, to compare."""
        return {model.__name__: [one.model_dump_json() for one in await self.all(who, model)] for model in mirror.KINDS}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_dsn) as owner:
            return owner.execute(query).fetchall()  # type: ignore[arg-type]


def config_of(simulated: Running, key: tuple[str, str] = UNSCOPED) -> CanvasConfig:
    return CanvasConfig(
        base_url=simulated.base_url,
        client_id=key[0],
        client_secret=key[1],
        redirect_url="http://127.0.0.1:9/callback",
        token_requests_per_hour=36_000,
        timeout=20.0,
    )


@pytest.fixture
async def bench(
    simulated: Running,
    settings: Settings,
    keys: KeyRing,
    people: People,
    database: Database,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Bench]:
    """Nobody is connected yet. Mark with `canvas_key` for another developer key."""
    simulated.control.reset()
    simulated.control.behave(throttle={"on": False})
    clock = ManualClock(NOW)
    marker = request.node.get_closest_marker("canvas_key")
    async with AsyncExitStack() as stack:
        db = Database(settings.worker_dsn.get_secret_value(), keys, size=4)
        stack.push_async_callback(db.close)
        await db.open()
        jobs = await stack.enter_async_context(job_app(settings.worker_dsn.get_secret_value()).open_async())
        config = config_of(simulated, marker.args[0] if marker else UNSCOPED)
        waited: list[float] = []
        bench: Bench

        async def pause(seconds: float) -> None:
            await bench.pause(seconds)

        desk = await stack.enter_async_context(open_canvas(config, db, clock, pause))
        bench = Bench(simulated, desk, clock, jobs, people, settings.owner_dsn.get_secret_value(), database, waited)
        yield bench


@pytest.fixture
async def connected(bench: Bench) -> Bench:
    """Maya is connected and synced; nothing is left in Canvas's log."""
    await bench.connect(bench.people.maya, MAYA)
    assert await bench.sync(bench.people.maya) == "current"
    return bench


def with_key(desk: CanvasDesk, **changes: Any) -> CanvasDesk:
    return replace(desk, config=replace(desk.config, **changes))
