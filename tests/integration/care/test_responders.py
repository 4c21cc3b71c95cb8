"""A campus that is added or changed while the worker runs: the operator hears that nobody answers there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from core.settings import Environment
from tests.integration.care.conftest import Campus, open_worker
from tools.care import reach
from tools.care.delivery import WorkerApp
from tools.care.notices import texts
from tools.care.operator import Operator


@pytest.fixture
async def production(campus: Campus) -> AsyncIterator[WorkerApp]:
    """A worker that started while every campus had somebody."""
    async for app in open_worker(
        campus.settings.model_copy(update={"environment": Environment.PRODUCTION}), campus.clock
    ):
        yield app


async def look(app: WorkerApp) -> None:
    """Do the worker's own periodic job, as the queue would."""
    job = next(task.task for task in app.periodic_registry.periodic_tasks.values() if task.task.name == "responders")
    await asyncio.wait_for(job.func(timestamp=0), 60)


def alarms(campus: Campus) -> list[dict[str, Any]]:
    return campus.rows(
        "select i.slug, a.cleared_at is null as stands from alarms a join institutions i on i.id = a.institution_id"
        " where a.kind = 'responder' order by a.raised_at"
    )


async def test_a_campus_that_loses_its_responder_alarms_the_operator_once(
    campus: Campus, production: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def hear(_: Operator, alarm: UUID, institution: Any, kind: str, facts: dict[str, Any]) -> None:
        told.append(str(texts()["alarm"][kind]).format(institution=institution, **facts))

    monkeypatch.setattr(Operator, "tell", hear)
    await look(production)
    assert alarms(campus) == []
    campus.change("update institutions set settings = '{}' where slug = 'valley'")
    for _ in range(2):
        await look(production)
    assert alarms(campus) == [{"slug": "valley", "stands": True}]
    [words] = told
    assert "valley" in words and "nobody answers around the clock" in words
    campus.change("update institutions set settings = '{\"staffing\": \"always\"}' where slug = 'valley'")
    await look(production)
    assert alarms(campus) == [{"slug": "valley", "stands": False}]


async def test_where_nothing_is_live_nobody_is_alarmed(campus: Campus, worker: WorkerApp) -> None:
    campus.change("update institutions set settings = '{}'")
    await look(worker)
    assert alarms(campus) == []


async def test_a_check_at_the_start_alone_is_noticed(
    campus: Campus, production: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_new(_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(reach, "answering", nothing_new)
    with pytest.raises(AssertionError):
        await test_a_campus_that_loses_its_responder_alarms_the_operator_once(campus, production, monkeypatch)
