"""What the real worker and the real API do without being asked, by name: a job that is not registered alarms nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from api import parts
from cli import worker
from conversations.cut_off import CutOff
from conversations.service import Conversations
from conversations.watch import Watch
from core import loops
from core.errors import ConfigurationError
from core.settings import Settings
from embedding.onnx import OnnxEmbedder
from tests.integration.care.conftest import until
from tools.care import working
from tools.care.contacts import Contacts
from tools.care.delivery import worker_app
from tools.care.writing import TASK as WRITING

PERIODIC = {"beat", "reach", "recover", "responders", "tick", "probe", "caring"}
"""Without a Canvas; with one there is its sweep as well."""
JOBS = PERIODIC | {"deliver", "climb", "second_look", "second_opinion", WRITING}
LOOPS = {"sweep", "contacts", "calls", "watch"}


def assembled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], set[str], list[str]]:
    """Start the worker as its command does, but for the work: its jobs, those that come by the clock, what is beside."""
    found: list[tuple[set[str], set[str], list[str]]] = []

    async def look(over: Settings, *more: Any, beside: Sequence[Any] = ()) -> None:
        app = worker_app(over, *more)
        async with app.open_async():
            periodic = {entry.task.name for entry in app.periodic_registry.periodic_tasks.values()}
            found.append((set(app.tasks), periodic, [task.__name__ for task in beside]))

    monkeypatch.setattr(working, "work", look)
    worker.work(settings)
    [one] = found
    return one


def test_the_worker_does_everything_it_is_there_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, periodic, beside = assembled(settings, monkeypatch)
    assert jobs >= JOBS, JOBS - jobs
    assert periodic >= PERIODIC, PERIODIC - periodic
    assert beside == ["keep_replaying"]


def test_with_a_canvas_the_worker_reads_it_too(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    canvas = {"canvas_url": "http://127.0.0.1:9", "canvas_client_id": "1", "canvas_client_secret": settings.master_key}
    _, periodic, _ = assembled(settings.model_copy(update=canvas), monkeypatch)
    assert "canvas_sweep" in periodic


async def test_what_is_beside_the_jobs_begins_anew_when_it_breaks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: Counter[str] = Counter()
    again = asyncio.Event()

    async def breaks(_: Settings, __: asyncio.Event) -> None:
        begun["breaks"] += 1
        if begun["breaks"] > 1:
            again.set()
        raise KeyError("a surprise")

    async def until_then(*_: Any) -> None:
        async with asyncio.timeout(60):
            await again.wait()
        raise ConfigurationError("enough")

    monkeypatch.setattr(working, "work_until", until_then)
    monkeypatch.setattr(working, "FIRST_WAIT_SECONDS", 0.01)
    with pytest.raises(ConfigurationError, match="enough"):
        await working.work(settings, beside=[breaks])
    assert begun["breaks"] >= 2


async def test_the_api_runs_every_loop_and_none_ends_by_a_surprise(
    settings: Settings, encoder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: Counter[str] = Counter()

    def surprising(name: str, calm: int = 0) -> Callable[..., Awaitable[None]]:
        async def once(*_: Any) -> None:
            rounds[name] += 1
            if rounds[name] > calm:
                raise KeyError("a surprise")

        return once

    monkeypatch.setattr(Conversations, "sweep", surprising("sweep"))
    monkeypatch.setattr(Contacts, "learn", surprising("contacts", calm=1))  # The first is the start's own.
    monkeypatch.setattr(CutOff, "take_up", surprising("calls"))
    monkeypatch.setattr(Watch, "look", surprising("watch"))
    for name in ("SWEEP_SECONDS", "REFRESH_SECONDS", "CALL_SECONDS", "WATCH_SECONDS", "PUSH_SECONDS"):
        monkeypatch.setattr(parts, name, 0.01)
    over = settings.model_copy(update={"telemetry_url": "http://127.0.0.1:9/unreachable"})
    async with parts.open_parts(over):
        await until(lambda: not loops.running() >= LOOPS or min(rounds[name] for name in LOOPS) >= 3, seconds=120)
        assert loops.running() == LOOPS | {"telemetry"}
        assert set(rounds) == LOOPS
    await asyncio.sleep(0)
    assert loops.running() == set(), "a loop outlived its parts"
