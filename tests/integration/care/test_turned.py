"""A case that later words turn to abuse is confidential from that moment: who hears of it then, and who no longer does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations import live, second_look
from safety.policy import Tier
from safety.triage.draft import Draft
from safety.types import Category, Severity
from simulators.run import Running
from tests.integration.care.conftest import Campus, crisis, drain
from tests.integration.care.test_channels import MailServer, connected, mail, outside, receivers
from tests.integration.care.test_confidential_channels import make_sam_confidential
from tests.mutation import seed
from tools.care import acts, escalation
from tools.care.cases import delivery_facts
from tools.care.delivery import WorkerApp
from tools.care.notices import texts

__all__ = ["connected", "mail", "outside", "receivers"]
LIGHTER = crisis(Severity.LOW, Category.ABUSE)
"""Words about abuse that raise neither severity nor tier of an open case."""


def sent_to(mail: tuple[MailServer, str]) -> list[tuple[str, str]]:
    return [(message["To"], message["Subject"]) for message in mail[0].mails]


def confidential(campus: Campus) -> list[bool]:
    return [row["confidential"] for row in campus.rows("select confidential from cases")]


async def test_an_open_case_that_turns_goes_the_confidential_way_from_that_message_on(
    campus: Campus, connected: WorkerApp, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    make_sam_confidential(campus)
    conversation = await campus.crisis(Severity.HIGH)
    await drain(connected)
    assert ("on-call@x.example", texts()["subject"]["page"]) in sent_to(mail)
    before = len(receivers[0].control.requests())
    assert before > 0
    mail[0].mails.clear()
    await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    assert confidential(campus) == [True]
    await drain(connected)
    assert set(sent_to(mail)) == {("sam@hill.example", texts()["subject"]["discreet"])}, "nobody who may open it knows"
    campus.change("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    await drain(connected)
    assert set(sent_to(mail)) == {("sam@hill.example", texts()["subject"]["discreet"])}
    assert len(receivers[0].control.requests()) == before
    texts_said = [text for author, text in await campus.texts(conversation) if author == "script"]
    assert any("goes to the confidential support staff only from here on" in text for text in texts_said)


async def test_it_turns_at_every_tier_and_calls_nobody_where_nobody_was_told(campus: Campus, worker: WorkerApp) -> None:
    for severity in (Severity.LOW, Severity.MODERATE, Severity.HIGH, Severity.IMMINENT):
        conversation = await campus.crisis(severity)
        await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    assert confidential(campus) == [True] * 4
    quiet = await campus.crisis(Severity.LOW, Category.AI_HARM)
    campus.change("update cases set tier = 'none' where conversation_id = %s", quiet)
    called = "select id from case_events where kind = 'called' and case_id = %s"
    case = await campus.case_of(quiet)
    before = campus.rows(called, case)
    async with campus.db.acting(campus.people.maya) as tx:
        await escalation.apply_effects(tx, campus.jobs, quiet, [escalation.Confide()], at=campus.clock.now())
    assert campus.rows(called, case) == before


async def test_whoever_has_the_case_keeps_it_and_nobody_else_is_called(campus: Campus, worker: WorkerApp) -> None:
    make_sam_confidential(campus)
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await acts.transfer(tx, campus.jobs, case, campus.people.sam.account_id, at=campus.clock.now())
    calls = len(campus.rows("select 1 from case_events where kind = 'called'"))
    await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    [row] = campus.rows("select confidential, claimed_by, offered_to from cases")
    assert row["confidential"] and row["claimed_by"] == campus.people.rosa.account_id
    assert len(campus.rows("select 1 from case_events where kind = 'called'")) == calls


async def test_an_offer_to_somebody_who_may_not_see_it_ends_and_its_notice_is_held_back(
    campus: Campus, worker: WorkerApp
) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await acts.transfer(tx, campus.jobs, case, campus.people.sam.account_id, at=campus.clock.now())
    await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    await drain(worker)
    assert campus.rows("select offered_to from cases") == [{"offered_to": None}]
    assert campus.rows("select 1 from outbox where recipient = 'sam@hill.example'") == []
    held = campus.rows(
        "select distinct state, last_error from deliveries where rung = 'colleague' and channel = 'email'"
    )
    assert held == [{"state": "failed", "last_error": "confidential"}]


async def test_it_turns_beside_a_person_and_when_it_is_read_late(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, await campus.case_of(conversation), at=campus.clock.now())
        await live.reply(
            tx, campus.jobs, await campus.case_of(conversation), "Hi, this is Rosa.", at=campus.clock.now()
        )
    await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    assert confidential(campus) == [True]
    late = await campus.crisis()
    again = crisis(Severity.HIGH, Category.ABUSE)
    async with campus.db.acting(campus.people.maya) as tx:
        snapshot = await second_look.read_snapshot(tx, late, campus.clock.now())
        acted = await second_look.act_on_late(tx, campus.jobs, snapshot, again, crisis(), campus.clock.now())
    assert acted is True
    assert confidential(campus) == [True, True]


async def test_what_the_student_reads_as_sent_and_opened_is_about_confidential_staff(
    campus: Campus, worker: WorkerApp
) -> None:
    """Who opened it before can no longer open it: that is no longer said."""
    conversation = await campus.crisis()
    await drain(worker)
    campus.change("update cases set first_opened_at = %s", campus.clock.now())
    campus.clock.advance(timedelta(minutes=1))
    await campus.say(conversation, "my boyfriend hits me", LIGHTER)
    async with campus.db.acting(campus.people.maya) as tx:
        facts = await delivery_facts(tx, conversation)
    assert facts is not None and facts.opened_at is None and facts.sent_at is None
    assert campus.rows("select tier from cases") == [{"tier": Tier.PAGE_NOW.value}]


async def test_a_case_that_is_marked_at_the_next_page_only_is_noticed(
    campus: Campus,
    connected: WorkerApp,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Draft, "turned", property(lambda self: False))
    with pytest.raises(AssertionError):
        await test_an_open_case_that_turns_goes_the_confidential_way_from_that_message_on(
            campus, connected, mail, receivers
        )


async def test_a_turn_that_leaves_everybody_unable_to_open_it_is_noticed(
    campus: Campus,
    connected: WorkerApp,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those who were told can no longer open it, and nobody else hears of it."""
    seed(monkeypatch, escalation._call_confidential_staff, "case.tier is not Tier.NONE", "False")
    with pytest.raises(AssertionError):
        await test_an_open_case_that_turns_goes_the_confidential_way_from_that_message_on(
            campus, connected, mail, receivers
        )


async def test_a_late_reading_that_looks_at_severity_alone_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, second_look._graver, "or turned", "")
    with pytest.raises(AssertionError):
        await test_it_turns_beside_a_person_and_when_it_is_read_late(campus, worker)


async def test_an_offer_that_outlives_the_turn_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, escalation._make_confidential, "offered_to = null,", "")
    with pytest.raises(AssertionError):
        await test_an_offer_to_somebody_who_may_not_see_it_ends_and_its_notice_is_held_back(campus, worker)
