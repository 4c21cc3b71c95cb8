"""The test of what runs, tested: a job that is not registered or a loop that is not started must be noticed."""

from __future__ import annotations

from typing import Any

import pytest

from api import parts
from cli import worker
from core.settings import Settings
from embedding.onnx import OnnxEmbedder
from tests.integration.care import test_what_runs
from tests.mutation import seed
from tools.care import delivery, working


@pytest.mark.parametrize(
    "job",
    ["add_ticks", "add_second_look", "add_second_opinion", "add_probe", "add_caring", "add_writing", "keep_replaying"],
)
def test_a_job_that_is_not_registered_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    seed(monkeypatch, worker.work, job, "" if job == "keep_replaying" else "*()")
    with pytest.raises(AssertionError):
        test_what_runs.test_the_worker_does_everything_it_is_there_for(settings, monkeypatch)


@pytest.mark.parametrize(
    "line",
    [
        '    @app.periodic(cron=EVERY_TEN_SECONDS)\n    @app.task(name="recover"',
        '    @app.periodic(cron=EVERY_MINUTE)\n    @app.task(name="reach"',
    ],
)
def test_a_job_that_no_clock_calls_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    seed(monkeypatch, delivery.add_tasks, line, line.split("\n")[1])
    with pytest.raises(AssertionError):
        test_what_runs.test_the_worker_does_everything_it_is_there_for(settings, monkeypatch)


@pytest.mark.parametrize("name", ["contacts", "calls", "watch"])
async def test_a_loop_that_is_not_started_is_noticed(
    settings: Settings, encoder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = parts._again

    def all_but_one(stack: Any, loop: str, *given: Any) -> None:
        if loop != name:
            whole(stack, loop, *given)

    monkeypatch.setattr(parts, "_again", all_but_one)
    with pytest.raises(AssertionError):
        await test_what_runs.test_the_api_runs_every_loop_and_none_ends_by_a_surprise(settings, encoder, monkeypatch)


async def test_what_is_beside_and_ends_by_a_surprise_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once(task: Any, over: Settings, stopping: Any) -> None:
        await task(over, stopping)

    monkeypatch.setattr(working, "_again_and_again", once)
    with pytest.raises((KeyError, TimeoutError)):
        await test_what_runs.test_what_is_beside_the_jobs_begins_anew_when_it_breaks(settings, monkeypatch)
