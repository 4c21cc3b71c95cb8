"""A confidential case goes by no way whose readers nobody here knows, and its attempts are seen with it alone."""

from __future__ import annotations

import pytest

from safety.policy import Tier
from safety.types import Category, Severity
from simulators.run import Running
from tests.integration.care.conftest import Campus, drain
from tests.integration.care.test_channels import MailServer, connected, mail, outside, receivers
from tests.integration.care.test_direct import Outside, direct
from tools.care import direct as calling
from tools.care import ladder, sending
from tools.care.delivery import WorkerApp

__all__ = ["connected", "direct", "mail", "outside", "receivers"]
UNGUARDED = (
    "alter policy staff_reads on delivery_attempts using (app_is_staff() and institution_id = app_institution())"
)


def make_sam_confidential(campus: Campus) -> None:
    campus.change(
        "insert into staff (account_id, institution_id, confidential) values (%s, %s, true)",
        campus.people.sam.account_id, campus.people.sam.institution_id,
    )  # fmt: skip


async def test_a_confidential_case_rings_confidential_staff_and_no_webhook(
    campus: Campus, connected: WorkerApp, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    make_sam_confidential(campus)
    await campus.crisis(Severity.IMMINENT, Category.ABUSE)
    campus.change("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    await drain(connected)
    assert {message["To"] for message in mail[0].mails} == {"sam@hill.example"}
    assert campus.rows("select distinct rung from deliveries where rung = 'backup'"), "no rung was climbed"
    assert campus.rows("select 1 from deliveries where channel = 'webhook'") == []
    assert receivers[0].control.requests() == []


async def test_what_turns_confidential_on_its_way_is_held_back(
    campus: Campus, connected: WorkerApp, receivers: tuple[Running, Running]
) -> None:
    await campus.crisis()
    assert campus.rows("select 1 from deliveries where channel = 'webhook'")
    campus.change("update cases set confidential = true")
    await drain(connected)
    assert receivers[0].control.requests() == []
    held = campus.rows("select distinct state, last_error from deliveries where channel = 'webhook'")
    assert held == [{"state": "failed", "last_error": "confidential"}]


async def test_a_confidential_matter_rings_no_webhook_without_the_database_either(
    campus: Campus, direct: Outside, receivers: tuple[Running, Running]
) -> None:
    await direct.contacts.learn(campus.db)
    await direct.call(campus, Tier.PAGE_ALL, confidential=True)
    assert receivers[0].control.requests() == []
    assert {attempt.channel for attempt in direct.heard} == {"email", "sms"}


async def test_a_confidential_cases_attempts_are_seen_by_confidential_staff_alone(
    campus: Campus, connected: WorkerApp
) -> None:
    make_sam_confidential(campus)
    await campus.crisis(Severity.IMMINENT, Category.ABUSE)
    await drain(connected)
    for who, sees in ((campus.people.rosa, False), (campus.people.sam, True)):
        async with campus.db.acting(who) as tx:
            attempts = await (await tx.conn.execute("select 1 from delivery_attempts")).fetchall()
        assert bool(attempts) is sees, who.account_id


async def test_attempts_open_to_all_staff_are_noticed(campus: Campus, connected: WorkerApp) -> None:
    campus.change(UNGUARDED)
    with pytest.raises(AssertionError):
        await test_a_confidential_cases_attempts_are_seen_by_confidential_staff_alone(campus, connected)


async def test_a_webhook_for_everything_is_noticed(
    campus: Campus,
    connected: WorkerApp,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladder, "TO_ANYBODY", ())
    with pytest.raises(AssertionError):
        await test_a_confidential_case_rings_confidential_staff_and_no_webhook(campus, connected, mail, receivers)


async def test_a_notice_that_is_not_looked_at_again_is_noticed(
    campus: Campus, connected: WorkerApp, receivers: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TO_ANYBODY", ())
    with pytest.raises(AssertionError):
        await test_what_turns_confidential_on_its_way_is_held_back(campus, connected, receivers)


async def test_a_direct_call_to_anybody_is_noticed(
    campus: Campus, direct: Outside, receivers: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "TO_ANYBODY", ())
    with pytest.raises(AssertionError):
        await test_a_confidential_matter_rings_no_webhook_without_the_database_either(campus, direct, receivers)
