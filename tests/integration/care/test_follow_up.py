"""After a case: a check-in that is written of where the student chose, and notes without demand that a counselor signs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from conversations import live, ticks
from conversations.caring import add_caring, send_due
from conversations.ticks import add_ticks, sweep
from core.errors import Conflict
from core.ids import CaseId, ConversationId
from safety.policy import load_policy
from safety.triage.words import words_for
from safety.types import Category, Severity
from tests.integration.care.conftest import WORDS, Campus, drain
from tests.mutation import seed
from tools.care import acts, caring, writing
from tools.care.caring import plan_caring
from tools.care.delivery import WorkerApp, worker_app
from tools.care.outcomes import Outcome
from tools.care.writing import add_writing, letters
from tools.people.follow_up import FollowUp, FollowUpBy, choose_follow_up

DAY = timedelta(days=1)


@pytest.fixture
async def worker(campus: Campus) -> AsyncIterator[WorkerApp]:
    app = worker_app(campus.settings, add_ticks, add_caring, add_writing, clock=campus.clock)
    async with app.open_async():
        yield app


async def choose(campus: Campus, by: FollowUpBy, *, notes: bool = True) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        await choose_follow_up(tx, FollowUp(by, notes))


def letters_to_maya(campus: Campus) -> list[dict[str, str]]:
    return campus.rows("select subject, body from outbox where recipient like 'maya@%%' order by created_at")


async def comes_back(campus: Campus, worker: WorkerApp, category: Category = Category.SUICIDE) -> ConversationId:
    """A case whose questions were refused, so that the follow-ups are booked; then the next day."""
    conversation = await campus.crisis(Severity.LOW, category)
    await campus.say(conversation, "stop")
    campus.clock.advance(DAY + timedelta(hours=1))
    campus.change("update conversations set tick_at = null")
    await sweep(worker.desk)
    campus.change("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    await drain(worker)
    return conversation


async def closed(
    campus: Campus,
    *,
    outcome: Outcome = Outcome.CONTACTED,
    category: Category = Category.SUICIDE,
    severity: Severity = Severity.LOW,
) -> CaseId:
    """A case with notes planned, then closed."""
    conversation = await campus.crisis(severity, category)
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await plan_caring(tx, case, at=campus.clock.now())
        await live.close(tx, case, outcome, "", at=campus.clock.now())
    return case


async def after(campus: Campus, worker: WorkerApp, days: int) -> None:
    campus.clock.advance(days * DAY)
    await send_due(worker.desk)
    await drain(worker)


def notes(campus: Campus) -> list[str | None]:
    return [row["outcome"] for row in campus.rows("select outcome from caring_notes order by number")]


async def test_a_check_in_is_written_of_where_the_student_chose_and_says_nothing(
    campus: Campus, worker: WorkerApp
) -> None:
    await comes_back(campus, worker)
    assert letters_to_maya(campus) == [], "nothing leaves the page unless they say so"
    await choose(campus, FollowUpBy.EMAIL)
    conversation = await comes_back(campus, worker)
    [letter] = letters_to_maya(campus)
    assert letter["subject"] == letters()["en"]["subject"]
    assert f"/chat/{conversation}" in letter["body"] and "/yours" in letter["body"]
    for text in (WORDS, "counsel", "crisis", "suicid", "Companion"):
        assert text.lower() not in (letter["subject"] + letter["body"]).lower()


async def test_nothing_is_written_of_a_confidential_matter(campus: Campus, worker: WorkerApp) -> None:
    await choose(campus, FollowUpBy.EMAIL)
    conversation = await comes_back(campus, worker, Category.ABUSE)
    state = await campus.state(conversation)
    assert state is not None and state.item == "fu_how", "the question itself is asked"
    assert letters_to_maya(campus) == []


async def test_notes_of_a_counselor_come_month_by_month_and_ask_for_nothing(campus: Campus, worker: WorkerApp) -> None:
    await choose(campus, FollowUpBy.EMAIL)
    await closed(campus)
    await after(campus, worker, 29)
    assert notes(campus) == [None] * 4
    for month in range(4):
        await after(campus, worker, 2 if month == 0 else 30)
        assert notes(campus) == ["sent"] * (month + 1) + [None] * (3 - month)
    await after(campus, worker, 200)
    [conversation] = [row["id"] for row in campus.rows("select id from conversations")]
    said = [text for _, text in await campus.texts(ConversationId(conversation))]
    for text in words_for("en").tree["caring"]:
        [found] = [one for one in said if text in one]
        assert found.endswith("\nRosa") and "?" not in found
    assert len(letters_to_maya(campus)) == 4


async def test_notes_stop_when_the_student_says_so(campus: Campus, worker: WorkerApp) -> None:
    await closed(campus)
    await after(campus, worker, 31)
    await choose(campus, FollowUpBy.HERE, notes=False)
    await after(campus, worker, 100)
    assert notes(campus) == ["sent", "dropped", "dropped", "dropped"]


async def test_notes_wait_while_a_case_is_open_and_none_follow_a_misread(campus: Campus, worker: WorkerApp) -> None:
    await closed(campus, outcome=Outcome.MISREAD)
    await after(campus, worker, 31)
    assert notes(campus)[0] == "dropped"
    campus.change("delete from caring_notes")
    await closed(campus)
    await campus.crisis(Severity.HIGH)
    await after(campus, worker, 31)
    assert notes(campus) == [None] * 4


async def test_no_notes_after_a_confidential_case(campus: Campus, worker: WorkerApp) -> None:
    campus.change("insert into staff (account_id, institution_id, confidential) select id, institution_id, true from accounts where role = 'counselor'")  # fmt: skip
    with pytest.raises(Conflict):
        await closed(campus, category=Category.ABUSE, severity=Severity.IMMINENT)


def test_every_language_of_the_script_has_its_letter() -> None:
    assert set(letters()) == {"en", "es"}
    assert len({len(words_for(language).tree["caring"]) for language in letters()}) == 1
    assert len(load_policy().timing.caring) == len(words_for("en").tree["caring"]), "no note comes twice"


async def test_a_letter_that_nobody_asked_for_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function in (writing.write_later, writing._address):
        seed(monkeypatch, function, "is not FollowUpBy.EMAIL", "is None")
    with pytest.raises(AssertionError):
        await test_a_check_in_is_written_of_where_the_student_chose_and_says_nothing(campus, worker)


async def test_a_letter_about_a_confidential_matter_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, ticks.look, "and not step.state.confidential", "")
    with pytest.raises(AssertionError):
        await test_nothing_is_written_of_a_confidential_matter(campus, worker)


async def test_notes_that_go_on_after_a_no_are_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caring, "NOTE", caring.NOTE.replace("not p.caring or", ""))
    with pytest.raises(AssertionError):
        await test_notes_stop_when_the_student_says_so(campus, worker)


async def test_notes_beside_an_open_case_are_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caring, "NOTE", caring.NOTE.replace("open.status <> 'closed'", "false"))
    with pytest.raises(AssertionError):
        await test_notes_wait_while_a_case_is_open_and_none_follow_a_misread(campus, worker)
