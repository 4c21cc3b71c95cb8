"""Nobody can be reached, or nobody was: the operator hears of it at once, and once; every failure is on record."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from core.settings import Environment
from tests.integration.care.conftest import Campus, drain, open_worker
from tests.integration.care.test_channels import MailServer, connected, mail, outside, receivers
from tools.care import channels
from tools.care.delivery import WorkerApp
from tools.care.reach import check_every_campus

__all__ = ["connected", "mail", "outside", "receivers"]


def standing(campus: Campus, kind: str) -> list[object]:
    return [
        row["facts"] for row in campus.rows("select facts from alarms where kind = %s and cleared_at is null", kind)
    ]


async def test_a_campus_without_any_way_out_is_known_before_anybody_needs_it(campus: Campus) -> None:
    production = campus.settings.model_copy(update={"environment": Environment.PRODUCTION})
    campus.change("update institutions set settings = settings || %s", Jsonb({"responder": "unstaffed"}))
    async for app in open_worker(production, campus.clock):
        for _ in range(3):
            assert await check_every_campus(app.desk) == 2
    assert len(standing(campus, "no_way_out")) == 2
    assert campus.rows("select 1 from alarms where told_at is not null") == [], "nobody was told, and it says so"


async def test_the_alarm_ends_when_a_way_is_there(campus: Campus, connected: WorkerApp) -> None:
    campus.change(
        "insert into alarms (id, institution_id, kind, raised_at) select id, id, 'no_way_out', now() from institutions"
    )
    assert await check_every_campus(connected.desk) == 0
    assert standing(campus, "no_way_out") == []


async def test_a_call_whose_every_notice_failed_is_an_alarm_at_once(campus: Campus) -> None:
    production = campus.settings.model_copy(update={"environment": Environment.PRODUCTION})
    campus.change("update institutions set settings = settings || %s", Jsonb({"responder": "unstaffed"}))
    await campus.crisis()
    await campus.crisis()
    async for app in open_worker(production, campus.clock):
        await drain(app)
    assert len(standing(campus, "nobody_called")) == 1
    rows = campus.rows("select channel, state, sent_at from deliveries where channel <> 'console'")
    assert {(row["state"], row["sent_at"]) for row in rows} == {("failed", None)}
    tried = campus.rows("select recipient, accepted, error from delivery_attempts")
    assert len(tried) == len(rows)
    assert {(row["recipient"], row["accepted"], row["error"]) for row in tried} == {("nobody", False, "not_configured")}


async def test_one_channel_that_works_is_no_alarm(campus: Campus, worker: WorkerApp) -> None:
    await campus.crisis()
    await drain(worker)
    assert standing(campus, "nobody_called") == []


async def test_the_alarm_is_told_by_the_webhook_where_there_is_no_mail(
    campus: Campus, connected: WorkerApp, receivers: tuple[object, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels.Email, "configured", False)
    campus.change("update institutions set settings = '{}'")
    campus.change("delete from alarms")
    from tools.care.alarm import raise_alarm  # noqa: PLC0415

    await raise_alarm(connected.desk, "worker_silent", None)
    [told] = receivers[0].control.read("/deliveries").values()  # type: ignore[attr-defined]
    assert told["type"] == "alarm" and told["kind"] == "worker_silent"
    assert campus.rows("select 1 from alarms where told_at is not null")


async def test_whoever_has_no_address_for_a_channel_is_on_record(
    campus: Campus, connected: WorkerApp, mail: tuple[MailServer, str]
) -> None:
    campus.change("update institutions set settings = settings - 'escalation_phone'")
    await campus.crisis()
    await drain(connected)
    [row] = campus.rows("select id, state, last_error from deliveries where channel = 'sms'")
    assert (row["state"], row["last_error"]) == ("failed", "no_address")
    tried = campus.rows("select recipient, accepted, error from delivery_attempts where delivery_id = %s", row["id"])
    assert tried == [{"recipient": "campus", "accepted": False, "error": "no_address"}]
