"""A campus that is added or changed while the worker runs: the operator hears that nobody answers there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from cli import doctor
from cli.doctor import examine
from core.errors import ConfigurationError
from core.settings import Environment
from tests.integration.care.conftest import WORDS, Campus, drain, open_worker
from tests.integration.care.test_channels import MailServer, mail
from tests.mutation import seed
from tools.care import reach
from tools.care.delivery import WorkerApp
from tools.care.notices import texts
from tools.care.operator import Operator
from tools.care.reach import check_every_campus
from tools.care.responders import require_responders

__all__ = ["mail"]
MENDED = {"escalation_email": "on-call@x.example", "line_24_7": {"email": "line@contract.example"}}


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
    campus.change("update institutions set settings = '{}' where slug = 'valley'")
    for _ in range(2):
        await look(production)
    assert len(told) == 2, "it was mended, and broke again"


async def test_where_nothing_is_live_nobody_is_alarmed(campus: Campus, worker: WorkerApp) -> None:
    campus.change("update institutions set settings = '{}'")
    await look(worker)
    assert alarms(campus) == []


NOBODY = """update institutions set settings = '{}' where slug = 'valley'"""


async def start(campus: Campus, more: dict[str, Any]) -> AsyncIterator[WorkerApp]:
    """A production worker that is started anew while Valley has nobody."""
    campus.change(NOBODY)
    settings = campus.settings.model_copy(update={"environment": Environment.PRODUCTION, **more})
    async for app in open_worker(settings, campus.clock):
        yield app


async def test_a_campus_without_a_responder_stops_no_delivery_of_another(
    campus: Campus, mail: tuple[MailServer, str]
) -> None:
    await campus.crisis()
    smtp = type(campus.settings.smtp_url)(mail[1])
    async for app in start(campus, {"smtp_url": smtp, "alert_email": "operator@x.example"}):
        await look(app)
        await drain(app)
    assert alarms(campus) == [{"slug": "valley", "stands": True}]
    to = {message["To"] for message in mail[0].mails}
    assert to == {"on-call@x.example", "operator@x.example"}


async def test_every_case_of_a_campus_without_anybody_is_told_to_the_operator(
    campus: Campus, mail: tuple[MailServer, str]
) -> None:
    """Once a case, without a word of it; and again when it was mended and broke anew."""
    campus.change("update institutions set settings = '{}' where slug = 'hill'")
    campus.change("delete from staff")
    smtp = type(campus.settings.smtp_url)(mail[1])
    settings = campus.settings.model_copy(
        update={"environment": Environment.PRODUCTION, "smtp_url": smtp, "alert_email": "operator@x.example"}
    )
    async for app in open_worker(settings, campus.clock):
        for number in (1, 2):
            await campus.crisis()
            await drain(app)
            campus.change("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
            await drain(app)
            told = [m.get_payload() for m in mail[0].mails if "Nobody was called" in m.get_payload()]
            assert len(told) == number and f"about {number} case(s)" in told[-1]
            assert not any(WORDS in text for text in told)
        [standing] = campus.rows("select 1 from alarms where kind = 'no_recipient' and cleared_at is null")
        campus.change("update institutions set settings = %s where slug = 'hill'", Jsonb(MENDED))
        await check_every_campus(app.desk)
        assert campus.rows("select 1 from alarms where kind = 'no_recipient' and cleared_at is null") == [], standing


async def test_the_doctor_names_the_campus(campus: Campus, capsys: pytest.CaptureFixture[str]) -> None:
    production = campus.settings.model_copy(update={"environment": Environment.PRODUCTION})
    assert await asyncio.to_thread(examine, production, "responders")
    campus.change(NOBODY)
    assert not await asyncio.to_thread(examine, production, "responders")
    assert "valley" in capsys.readouterr().out


async def test_the_doctor_compares_the_clocks(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await asyncio.to_thread(examine, campus.settings, "clock")
    monkeypatch.setattr(doctor, "_now", lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert not await asyncio.to_thread(examine, campus.settings, "clock")


async def test_a_doctor_who_looks_at_no_clock_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MOST_APART", timedelta(days=1))
    with pytest.raises(AssertionError):
        await test_the_doctor_compares_the_clocks(campus, monkeypatch)


async def test_a_start_that_one_campus_can_prevent_is_noticed(
    campus: Campus, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, require_responders, "problems and len(problems) == len(found)", "problems")
    with pytest.raises(ConfigurationError):
        await test_a_campus_without_a_responder_stops_no_delivery_of_another(campus, mail)


async def test_a_second_case_of_which_the_operator_hears_nothing_is_noticed(
    campus: Campus, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, reach.check_call, "if case in cases:", "if told:")
    with pytest.raises(AssertionError):
        await test_every_case_of_a_campus_without_anybody_is_told_to_the_operator(campus, mail)


async def test_a_check_at_the_start_alone_is_noticed(
    campus: Campus, production: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_new(_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(reach, "answering", nothing_new)
    with pytest.raises(AssertionError):
        await test_a_campus_that_loses_its_responder_alarms_the_operator_once(campus, production, monkeypatch)
