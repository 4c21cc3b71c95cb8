"""The synthetic crisis: it arrives, disturbs nobody, counts nowhere, and is missed aloud."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from core.ids import InstitutionId
from db.access import Role
from tests.integration.api.conftest import sign_in
from tests.integration.care.conftest import Campus, until
from tests.site import Site
from tools.care.delivery import WorkerApp, worker_app
from tools.care.notices import texts
from tools.care.probe import ensure_nobody, probe
from tools.care.queue import colleagues

STILL_ON_THE_WAY = """
select count(*) from deliveries d join cases c on c.id = d.case_id and c.synthetic
where d.state = 'committed' and d.channel <> 'console'
"""


def rows(site: Site, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.settings.owner_dsn.get_secret_value()) as owner:
        return owner.execute(query).fetchall()  # type: ignore[arg-type]


@pytest.fixture
async def desk_of_site(site: Site) -> AsyncIterator[WorkerApp]:
    """A worker's desk over the running service; the service's own worker does the deliveries."""
    app = worker_app(site.settings.model_copy(update={"public_url": site.address}))
    async with app.open_async():
        yield app


async def test_the_probe_goes_from_intake_to_acknowledgement_and_counts_nowhere(
    site: Site, desk_of_site: WorkerApp
) -> None:
    desk = desk_of_site.desk
    [(institution,)] = rows(site, "select id from institutions")
    assert await probe(desk, desk.http, InstitutionId(institution)) is None
    assert await probe(desk, desk.http, InstitutionId(institution)) is None
    # The service's own worker probes by itself too, so there may be more than the two of this test.
    runs = rows(site, "select arrived_at is not null, acknowledged_at is not null, failure from probe_runs")
    assert runs.count((True, True, None)) >= 2
    assert not [failure for _, _, failure in runs if failure]
    cases = rows(site, "select outcome from cases where synthetic and status = 'closed'")
    assert len(cases) >= 2 and set(cases) == {("test",)}
    await until(lambda: rows(site, STILL_ON_THE_WAY) == [(0,)])
    sent = {body for (body,) in rows(site, "select body from outbox")}
    assert texts()["body"]["test"] not in sent
    assert rows(site, "select role, count(*) from accounts where synthetic group by role order by role") == [
        ("counselor", 1), ("student", 1),
    ]  # fmt: skip
    supervisor = sign_in(site, "supervisor")
    report = supervisor.http.get("/care/report").json()
    assert "test" not in report["outcomes"] and report["closed"] == sum(report["outcomes"].values())
    supervisor.http.close()


async def test_a_probe_that_does_not_arrive_alarms_the_operator_once_and_again_after_it_worked(
    site: Site, desk_of_site: WorkerApp
) -> None:
    [(institution,)] = rows(site, "select id from institutions")
    campus, desk = InstitutionId(institution), desk_of_site.desk
    nowhere = worker_app(site.settings.model_copy(update={"public_url": "http://127.0.0.1:9"}))

    def alarms() -> int:
        return int(rows(site, "select count(*) from outbox where subject like '%operator%'")[0][0])

    before = alarms()
    async with nowhere.open_async():
        for _ in range(3):
            assert await probe(nowhere.desk, nowhere.desk.http, campus) == "api_unreachable"
        assert alarms() == before + 1
        assert await probe(desk, desk.http, campus) is None
        assert await probe(nowhere.desk, nowhere.desk.http, campus) == "api_unreachable"
    assert alarms() == before + 2
    assert await probe(desk, desk.http, campus) is None


async def test_a_probe_that_is_not_flagged_or_never_delivered_is_a_failure(campus: Campus, worker: WorkerApp) -> None:
    """Each place where it can stop has its own word; here nobody answers for the API at all."""
    import httpx  # noqa: PLC0415

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/conversations"):
            return httpx.Response(201, json={"id": "01a1fc24-a4c3-7408-9ec2-4264b3c7e295"})
        return httpx.Response(200, json={"crisis": None})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
        assert await probe(worker.desk, http, campus.people.rosa.institution_id) == "not_flagged"
    assert campus.rows("select failure from probe_runs") == [{"failure": "not_flagged"}]
    assert len(campus.rows("select 1 from alarms where kind = 'probe'")) == 1


async def test_nobody_is_apart_from_real_people_both_ways(campus: Campus, worker: WorkerApp) -> None:
    nobody = await ensure_nobody(worker.desk, campus.people.rosa.institution_id)
    again = await ensure_nobody(worker.desk, campus.people.rosa.institution_id)
    assert nobody == again
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(nobody.counselor) as tx:
        for table in ("cases", "messages", "conversations", "deliveries", "case_events"):
            cursor = await tx.conn.execute(psycopg.sql.SQL("select 1 from {}").format(psycopg.sql.Identifier(table)))
            assert await cursor.fetchall() == [], table
    async with campus.db.acting(campus.people.rosa) as tx:
        assert nobody.counselor.account_id not in {colleague.id for colleague in await colleagues(tx)}
    campus.change("update cases set synthetic = true where id = %s", case)
    async with campus.db.acting(campus.people.rosa) as tx:
        assert await (await tx.conn.execute("select 1 from cases")).fetchall() == []
    assert nobody.counselor.role is Role.COUNSELOR
