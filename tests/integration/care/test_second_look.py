"""A layer of screening is down: careful words for the student, one alarm, and a second look when it is back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from conversations.second_look import add_second_look
from conversations.ticks import add_ticks
from core.errors import NotFound
from core.ids import new_id
from safety.types import Category, Screening, Severity
from tests.integration.care.conftest import CLEAR, Campus, Verdict, crisis, drain
from tools.care import acts
from tools.care.delivery import WorkerApp, worker_app
from tools.care.probe import check_layers

BLIND = replace(CLEAR, degraded=("classifier",))
WORDS = "some indirect words that only the classifier understands"


@pytest.fixture
async def looking(campus: Campus) -> AsyncIterator[tuple[WorkerApp, Verdict]]:
    """A worker whose own screening finds what the test says."""
    verdict = Verdict(BLIND)
    look = partial(add_second_look, screener=lambda: verdict)
    app = worker_app(campus.settings, add_ticks, look, clock=campus.clock)
    async with app.open_async():
        yield app, verdict


def alarms(campus: Campus) -> int:
    return len(campus.rows("select 1 from outbox where subject like '%%operator%%'"))


async def test_the_student_gets_careful_words_and_the_operator_one_alarm(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    app, _ = looking
    conversation = await campus.begin(campus.people.maya)
    for number in range(3):
        received = await campus.say(conversation, f"{WORDS} {number}", BLIND)
        assert received.path in ("careful", "script")
    said = [text for author, text in await campus.texts(conversation) if author == "script"]
    assert "A part of me is down" in said[0]
    assert len(campus.rows("select 1 from procrastinate_jobs where task_name = 'second_look'")) == 3
    await drain(app)
    campus.make_retries_due()
    await drain(app)
    assert alarms(campus) == 1
    assert len(campus.rows("select 1 from procrastinate_jobs where task_name = 'second_look' and status = 'todo'")) == 3
    assert campus.count("cases") == 0


async def test_what_the_second_look_finds_opens_a_case_and_is_delivered(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, BLIND)
    await drain(app)
    verdict.found = crisis(Severity.HIGH)
    campus.make_retries_due()
    await drain(app)
    [case] = campus.rows("select severity, status, conversation_id from cases")
    assert case == {"severity": "high", "status": "open", "conversation_id": conversation}
    [mail] = campus.rows("select state from deliveries where channel = 'email'")
    assert mail["state"] == "sent"
    texts = [text for author, text in await campus.texts(conversation) if author == "script"]
    assert any("I've read what you wrote earlier" in text for text in texts)
    assert any("sending this conversation" in text for text in texts)
    [screening] = campus.rows("select crisis, severity, degraded, first_verdict, screened_again_at from screenings")
    assert (screening["crisis"], screening["severity"], screening["degraded"]) == (True, "high", [])
    assert screening["first_verdict"]["degraded"] == ["classifier"] and not screening["first_verdict"]["crisis"]
    assert screening["screened_again_at"] == campus.clock.now()
    campus.make_retries_due()
    await drain(app)
    assert campus.count("cases") == 1 and len(campus.rows("select 1 from case_events where kind = 'called'")) == 1


async def test_a_second_look_that_finds_nothing_says_nothing(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, BLIND)
    before = await campus.texts(conversation)
    verdict.found = CLEAR
    await drain(app)
    assert await campus.texts(conversation) == before
    assert campus.count("cases") == 0
    assert campus.rows("select degraded from screenings") == [{"degraded": []}]


async def test_what_another_layer_saw_as_lesser_is_raised(campus: Campus, looking: tuple[WorkerApp, Verdict]) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, replace(crisis(Severity.LOW), degraded=("classifier",)))
    assert campus.rows("select tier from cases") == [{"tier": "digest"}]
    verdict.found = crisis(Severity.HIGH)
    await drain(app)
    assert campus.rows("select severity, tier from cases") == [{"severity": "high", "tier": "page_now"}]


async def test_a_second_look_never_makes_a_verdict_milder(campus: Campus, looking: tuple[WorkerApp, Verdict]) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, replace(crisis(Severity.HIGH), degraded=("classifier",)))
    for milder in (crisis(Severity.LOW), CLEAR):
        verdict.found = milder
        campus.make_retries_due()
        await drain(app)
        found = campus.rows("select crisis, severity, degraded from screenings")
        assert found == [{"crisis": True, "severity": "high", "degraded": []}]
    assert campus.rows("select severity, tier from cases") == [{"severity": "high", "tier": "page_now"}]


async def test_beside_a_person_the_case_rises_and_others_are_called_by_the_words_alone(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    from conversations import live  # noqa: PLC0415

    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, crisis(Severity.LOW))
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    async with campus.db.acting(campus.people.rosa) as tx:
        await live.reply(tx, campus.jobs, case, "I'm Rosa, a counselor.", at=campus.clock.now())
    await campus.say(conversation, WORDS, BLIND)
    before = len(await campus.texts(conversation))
    verdict.found = crisis(Severity.IMMINENT)
    await drain(app)
    said = [text for author, text in (await campus.texts(conversation))[before:] if author == "script"]
    assert "read what you wrote earlier" in said[0] and "Call 911 now" in said[1]
    assert campus.rows("select severity, tier from cases") == [{"severity": "imminent", "tier": "page_all"}]
    assert campus.rows("select mode from conversations") == [{"mode": "live_person"}]


async def test_a_question_is_asked_late_rather_than_never(campus: Campus, looking: tuple[WorkerApp, Verdict]) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, BLIND)
    verdict.found = Screening(False, True, Category.SUICIDE, Severity.LOW, 0.4, (), "test-1")
    await drain(app)
    assert "I can read that two ways" in (await campus.texts(conversation))[-1][1]
    assert campus.count("cases") == 0


async def test_the_service_changes_no_screening_but_by_a_second_look(campus: Campus) -> None:
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, replace(crisis(Severity.HIGH), degraded=("classifier",)))
    [row] = campus.rows("select message_id from screenings")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with campus.db.acting(campus.people.maya) as tx:
            await tx.conn.execute("update screenings set crisis = false")
    dsn = campus.settings.worker_dsn.get_secret_value()
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        await conn.execute(
            "select set_config('app.institution', %s, false), set_config('app.student', %s, false)",
            (str(campus.people.maya.institution_id), str(campus.people.maya.account_id)),
        )
        query = "select store_second_look(%s, false, false, 'none', 'none', 0::float8, ''::bytea, 'milder', now())"
        assert await (await conn.execute(query, (row["message_id"],))).fetchone() == (False,)
        assert await (await conn.execute(query, (new_id(),))).fetchone() == (False,)
    assert campus.rows("select crisis, version from screenings") == [{"crisis": True, "version": "test-1"}]


async def test_the_alarm_ends_when_the_probe_ran_through_every_layer(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, BLIND)
    await drain(app)
    await check_layers(app.desk, campus.people.maya, str(conversation))
    assert campus.rows("select 1 from alarms where cleared_at is null")
    verdict.found = CLEAR
    whole = await campus.begin(campus.people.maya)
    await campus.say(whole, WORDS, CLEAR)
    await check_layers(app.desk, campus.people.maya, str(whole))
    assert campus.rows("select 1 from alarms where cleared_at is null"), "something still waits for its second look"
    campus.make_retries_due()
    await drain(app)
    await check_layers(app.desk, campus.people.maya, str(whole))
    assert campus.rows("select 1 from alarms where cleared_at is null") == []


async def test_a_message_that_is_deleted_meanwhile_needs_no_look(
    campus: Campus, looking: tuple[WorkerApp, Verdict]
) -> None:
    app, verdict = looking
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, WORDS, BLIND)
    from conversations import history  # noqa: PLC0415

    async with campus.db.acting(campus.people.maya) as tx:
        assert await history.delete_conversation(tx, conversation, at=campus.clock.now())
    verdict.found = crisis()
    await drain(app)
    jobs = campus.rows("select status from procrastinate_jobs where task_name = 'second_look'")
    assert jobs == [{"status": "succeeded"}]
    with pytest.raises(NotFound):
        await campus.texts(conversation)
