"""A notice is committed with the message, sent at least once, recorded every time, and never claimed before it is true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.snapshot import read_snapshot
from core.settings import Environment
from db.access import Tx
from safety.types import Severity
from tests.integration.care.conftest import WORDS, Campus, drain
from tools.care import channels, sending
from tools.care.cases import delivery_facts
from tools.care.delivery import WorkerApp


async def test_message_case_notices_and_jobs_commit_together_or_not_at_all(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If anything of the transaction fails, nobody is called about a message that does not exist."""
    conversation = await campus.begin(campus.people.maya)

    async def broken(tx: Tx) -> None:
        raise RuntimeError("the last statement of the call failed")

    with monkeypatch.context() as patch:
        patch.setattr("tools.care.ladder.ring", broken)
        with pytest.raises(RuntimeError):
            await campus.say(conversation, WORDS, campus.verdict.found)
    for table in ("messages", "cases", "case_events", "deliveries", "procrastinate_jobs"):
        assert campus.count(table) == 0, table
    await campus.say(conversation, WORDS, campus.verdict.found)
    assert {row["channel"] for row in campus.rows("select channel from deliveries")} == {
        "console", "email", "webhook", "sms",
    }  # fmt: skip
    jobs = campus.rows("select task_name, args from procrastinate_jobs")
    assert sorted({job["task_name"] for job in jobs}) == ["climb", "deliver"]
    assert WORDS not in str(jobs)


async def test_the_student_is_told_sent_only_after_somebody_was_told(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    async with campus.db.acting(campus.people.maya) as tx:
        before = await delivery_facts(tx, conversation)
    await drain(worker)
    async with campus.db.acting(campus.people.maya) as tx:
        after = await delivery_facts(tx, conversation)
        snapshot = await read_snapshot(tx, conversation, campus.clock.now())
    assert before is not None and after is not None
    assert (before.sent_at, before.opened_at, before.writing_at) == (None, None, None)
    assert after.sent_at == campus.clock.now()
    assert snapshot.facts.delivery.sent_at == after.sent_at
    [mail] = campus.rows("select * from outbox")
    assert mail["recipient"] == "on-call@x.example"


async def test_no_notice_carries_words_or_a_name(campus: Campus, worker: WorkerApp) -> None:
    await campus.crisis()
    await drain(worker)
    [mail] = campus.rows("select subject, body from outbox")
    everything = str(mail) + str(campus.rows("select * from procrastinate_jobs"))
    for secret in (WORDS, "pills", "Maya", "maya", "suicide"):
        assert secret not in everything


async def test_what_is_not_configured_is_recorded_as_such_and_not_tried_again(
    campus: Campus, worker: WorkerApp
) -> None:
    await campus.crisis()
    await drain(worker)
    rows = campus.rows("select channel, state, last_error, sent_at from deliveries where channel in ('sms', 'webhook')")
    assert {(row["state"], row["last_error"], row["sent_at"]) for row in rows} == {("failed", "not_configured", None)}
    assert campus.rows("select 1 from procrastinate_jobs where task_name = 'deliver' and status = 'todo'") == []


async def test_in_production_a_missing_mail_server_is_not_a_sent_mail(campus: Campus) -> None:
    """The local outbox is a page nobody looks at in production: a notice in it must not count as sent."""
    production = campus.settings.model_copy(update={"environment": Environment.PRODUCTION})
    await campus.crisis()
    from tests.integration.care.conftest import open_worker  # noqa: PLC0415

    async for worker in open_worker(production, campus.clock):
        await drain(worker)
    [mail] = campus.rows("select state, last_error, sent_at from deliveries where channel = 'email'")
    assert mail == {"state": "failed", "last_error": "not_configured", "sent_at": None}


async def test_a_notice_is_retried_until_it_goes_out_and_every_attempt_is_on_record(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await campus.crisis()
    with monkeypatch.context() as patch:

        async def refuse(*_: object) -> None:
            raise channels.NotSent("smtp_451")

        patch.setattr(type(worker.desk.outbox), "send", refuse)
        await drain(worker)
        [mail] = campus.rows("select * from deliveries where channel = 'email'")
        assert (mail["state"], mail["sent_at"], mail["last_error"]) == ("committed", None, "smtp_451")
    campus.make_retries_due()
    await drain(worker)
    [mail] = campus.rows("select * from deliveries where channel = 'email'")
    assert (mail["state"], mail["attempts"], mail["last_error"]) == ("sent", 2, None)
    tries = campus.rows(
        "select accepted, error from delivery_attempts where delivery_id = %s order by number", mail["id"]
    )
    assert tries == [{"accepted": False, "error": "smtp_451"}, {"accepted": True, "error": None}]


async def test_nobody_to_call_is_said_and_the_operator_hears_of_it_once(campus: Campus, worker: WorkerApp) -> None:
    campus.change("update institutions set settings = settings - 'escalation_email'")
    await campus.crisis()
    await campus.crisis(Severity.IMMINENT)
    await drain(worker)
    rows = campus.rows("select state, last_error from deliveries where channel = 'email' and rung = 'on_call'")
    assert {(row["state"], row["last_error"]) for row in rows} == {("failed", "no_recipient")}
    assert len(campus.rows("select 1 from alarms where kind = 'no_recipient'")) == 1
    told = campus.rows("select body from outbox where subject like '%%operator%%'")
    assert len({row["body"] for row in told}) == len(told), "nothing is told twice"
    assert [row["body"].split()[0] for row in told].count("There") == 1
    [standing] = campus.rows("select facts, told_at from alarms where kind = 'nobody_called' and cleared_at is null")
    assert standing["told_at"] and set(standing["facts"]["cases"]) == {
        str(row["id"]) for row in campus.rows("select id from cases")
    }, "each case that nobody was called about is in what the operator was told"


async def test_giving_up_is_a_fact_too(campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch) -> None:
    await campus.crisis()

    async def refuse(*_: object) -> None:
        raise channels.NotSent("unreachable")

    monkeypatch.setattr(type(worker.desk.outbox), "send", refuse)
    await drain(worker)
    campus.clock.advance(sending.GIVE_UP_AFTER + timedelta(minutes=1))
    campus.make_retries_due()
    await drain(worker)
    [mail] = campus.rows(
        "select state, last_error, sent_at from deliveries where channel = 'email' and rung = 'on_call'"
    )
    assert mail == {"state": "failed", "last_error": "unreachable", "sent_at": None}
    assert campus.rows("select 1 from alarms where kind = 'undelivered'")
