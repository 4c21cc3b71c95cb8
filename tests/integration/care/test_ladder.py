"""The ladder climbs until a person acknowledges, and never to police or parents."""

from __future__ import annotations

from datetime import timedelta

from core.ids import AccountId
from db.access import Role
from safety.policy import Rung, load_policy
from safety.types import Category, Severity
from tests.integration.care.conftest import Campus, add_person, drain
from tools.care import acts
from tools.care.delivery import WorkerApp

MINUTE = timedelta(minutes=1)


def put_on_call(campus: Campus, account: AccountId, rung: str = "on_call") -> None:
    campus.change(
        "insert into on_call (id, institution_id, account_id, rung, starts_at, ends_at)"
        " values (gen_random_uuid(), %s, %s, %s, %s, %s)",
        campus.people.rosa.institution_id, account, rung, campus.clock.now() - MINUTE, campus.clock.now() + 600 * MINUTE,
    )  # fmt: skip


def mails(campus: Campus) -> list[str]:
    rows = campus.rows(
        "select recipient from outbox where subject not like '%%operator%%' order by created_at, recipient"
    )
    return [row["recipient"] for row in rows]


def rungs(campus: Campus) -> set[str]:
    return {row["rung"] for row in campus.rows("select rung from deliveries")}


async def test_the_one_on_call_is_called_first_and_the_campus_address_only_without_one(
    campus: Campus, worker: WorkerApp
) -> None:
    await campus.crisis()
    await drain(worker)
    assert mails(campus) == ["on-call@x.example"]
    put_on_call(campus, campus.people.sam.account_id)
    await campus.crisis()
    await drain(worker)
    assert mails(campus) == ["on-call@x.example", "sam@hill.example"]


async def test_every_rung_is_called_in_time_until_the_contracted_line(campus: Campus, worker: WorkerApp) -> None:
    campus.change(
        'update institutions set settings = settings || \'{"line_24_7": {"email": "line@contract.example"}}\''
    )
    ines = await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)
    put_on_call(campus, campus.people.rosa.account_id)
    put_on_call(campus, campus.people.sam.account_id, "backup")
    await campus.crisis()
    await drain(worker)
    assert mails(campus) == ["rosa@hill.example"]
    campus.pass_time(5 * MINUTE)
    await drain(worker)
    assert mails(campus) == ["rosa@hill.example", "sam@hill.example"]
    campus.pass_time(5 * MINUTE)
    await drain(worker)
    assert mails(campus)[2:] == ["vera@hill.example"]
    campus.pass_time(5 * MINUTE)
    await drain(worker)
    assert mails(campus)[3:] == ["line@contract.example"]
    assert ines.role is Role.SUPERVISOR


async def test_an_acknowledged_case_calls_nobody_else(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    await drain(worker)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, await campus.case_of(conversation), at=campus.clock.now())
    campus.pass_time(60 * MINUTE)
    await drain(worker)
    assert rungs(campus) == {"on_call"}


async def test_opening_a_case_without_claiming_it_stops_nothing(campus: Campus, worker: WorkerApp) -> None:
    """Somebody who looked and went to sleep has not taken it on."""
    from tools.care.dossier import open_dossier  # noqa: PLC0415

    conversation = await campus.crisis()
    async with campus.db.acting(campus.people.rosa) as tx:
        await open_dossier(tx, await campus.case_of(conversation), at=campus.clock.now())
    campus.pass_time(5 * MINUTE)
    await drain(worker)
    assert "backup" in rungs(campus)


async def test_a_released_case_calls_people_anew(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    campus.clock.advance(MINUTE)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.release(tx, campus.jobs, case, at=campus.clock.now())
    await drain(worker)
    assert len(mails(campus)) == 2
    campus.pass_time(6 * MINUTE)
    await drain(worker)
    assert "backup" in rungs(campus)


async def test_a_ladder_that_is_run_twice_calls_a_rung_once(campus: Campus, worker: WorkerApp) -> None:
    await campus.crisis()
    campus.pass_time(5 * MINUTE)
    job = campus.rows("select args from procrastinate_jobs where task_name = 'climb' order by id")[0]["args"]
    await worker.configure_task("climb").defer_async(**job)
    await drain(worker)
    backup = campus.rows("select channel from deliveries where rung = 'backup'")
    assert sorted(row["channel"] for row in backup) == ["email", "sms", "webhook"]


async def test_without_a_contracted_line_the_last_rung_says_so(campus: Campus, worker: WorkerApp) -> None:
    await campus.crisis()
    campus.pass_time(60 * MINUTE)
    await drain(worker)
    line = campus.rows("select last_error from deliveries where rung = 'line_24_7' and channel = 'email'")
    assert line == [{"last_error": "no_recipient"}]
    assert campus.rows("select 1 from alarms where kind = 'no_recipient'")


async def test_everybody_is_called_at_once_when_it_is_under_way(campus: Campus, worker: WorkerApp) -> None:
    await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)
    await campus.crisis(Severity.IMMINENT)
    await drain(worker)
    assert {"on_call", "backup", "supervisor"} == rungs(campus)
    assert len(campus.rows("select 1 from deliveries where channel = 'webhook'")) == 1
    assert "vera@hill.example" in mails(campus)


async def test_a_confidential_case_calls_confidential_staff_only(campus: Campus, worker: WorkerApp) -> None:
    put_on_call(campus, campus.people.rosa.account_id)
    campus.change(
        "insert into staff (account_id, institution_id, confidential) values (%s, %s, true)",
        campus.people.sam.account_id, campus.people.sam.institution_id,
    )  # fmt: skip
    await campus.crisis(Severity.IMMINENT, Category.ABUSE)
    await drain(worker)
    assert mails(campus) and set(mails(campus)) == {"sam@hill.example"}
    [body] = {row["body"].split("http")[0] for row in campus.rows("select body from outbox")}
    assert "case" not in body


def test_no_ladder_ends_at_police_or_parents() -> None:
    """The last rung of what pages is the line under contract, and there is no rung beyond those listed here."""
    assert {rung.value for rung in Rung} == {"queue", "on_call", "backup", "supervisor", "line_24_7"}
    for plan in load_policy().tiers.values():
        if plan.tier.pages:
            assert plan.ladder[-1].rung is Rung.LINE_24_7
