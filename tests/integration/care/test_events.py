"""Events over the real queue: told with what happened or not at all, acted on once, in order; and what follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql

from conversations import reactions
from conversations.reactions import REACTIONS, add_reactions
from conversations.snapshot import read_snapshot
from core.clock import ManualClock
from core.settings import Settings
from db.access import Acting, Tx
from safety.policy import Signal
from tests.conftest import People
from tests.integration.care.conftest import Campus, drain
from tests.mutation import seed
from tools.academic.tasks import complete_task, create_task
from tools.care.delivery import WorkerApp, worker_app
from tools.care.desk import Desk
from tools.events import handling, outbox, signals
from tools.events.handling import NotHandled
from tools.events.handling import drain as act
from tools.events.outbox import Event, EventKind, emit, rules
from tools.events.signals import read_signals
from tools.events.sweeps import forget_old, sweep_completion, sweep_overdue
from tools.people.keys import student_key
from tools.people.uses import CHECK_IN, decide
from tools.wellness.instruments.answers import read_answers
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import save_entry
from tools.wellness.mood import log_mood

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def worker(settings: Settings, people: People, clock: ManualClock) -> AsyncIterator[WorkerApp]:
    app = worker_app(settings, add_reactions, clock=clock)
    async with app.open_async():
        yield app


async def mood(campus: Campus, score: int, who: Acting | None = None) -> None:
    async with campus.db.acting(who or campus.people.maya) as tx:
        await log_mood(tx, await student_key(tx), score=score, at=campus.clock.now())


async def fill_in(campus: Campus, name: str, days_ago: int = 0, /, **given: object) -> None:
    made, now = definition(name), campus.clock.now()
    async with campus.db.acting(campus.people.maya) as tx:
        answers = read_answers(made, given)
        day = (now - days_ago * DAY).date()
        await save_entry(tx, await student_key(tx), made, answers, None, day=day, at=now)


def kinds(campus: Campus) -> list[str]:
    return [row["kind"] for row in campus.rows("select kind from student_events order by seq")]


def check_ins(campus: Campus) -> int:
    return len(campus.rows("select 1 from messages where author = 'script'"))


async def holding(campus: Campus) -> tuple[str, ...]:
    async with campus.db.acting(campus.people.maya) as tx:
        cursor = await tx.conn.execute("select signals_sealed from student_signals")
        row = await cursor.fetchone()
        return read_signals(await student_key(tx), row and row[0], tx.who.student_id, campus.clock.now())


async def test_an_event_is_told_with_what_happened_or_not_at_all(campus: Campus) -> None:
    with pytest.raises(RuntimeError):
        async with campus.db.acting(campus.people.maya) as tx:
            await log_mood(tx, await student_key(tx), score=5, at=campus.clock.now())
            raise RuntimeError("the request broke off")
    jobs = "select 1 from procrastinate_jobs where task_name = 'student_events'"
    assert kinds(campus) == [] and campus.rows(jobs) == []
    await mood(campus, 5)
    assert kinds(campus) == ["mood.logged"] and len(campus.rows(jobs)) == 1


async def test_the_same_about_the_same_is_one_event(campus: Campus) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        key = await student_key(tx)
        told = [await emit(tx, key, EventKind.SLEEP_POOR, "2026-W47", at=campus.clock.now()) for _ in range(3)]
    assert told == [True, False, False] and kinds(campus) == ["sleep.poor"]


async def test_what_an_event_carries_lies_sealed_and_jobs_carry_ids_only(campus: Campus) -> None:
    await fill_in(campus, "medications", name="lamotrigine", event="started")
    [event] = campus.rows("select row_to_json(e)::text as text from student_events e")
    [job] = campus.rows("select args::text as args from procrastinate_jobs where task_name = 'student_events'")
    assert "lamotrigine" not in event["text"] and "medications" not in event["text"]
    assert set(eval(job["args"].replace("null", "None"))) == {"institution", "student"}  # noqa: S307  # our own JSON


async def test_events_of_a_student_are_acted_on_in_order_and_once(campus: Campus, worker: WorkerApp) -> None:
    seen: list[int] = []

    async def note(desk: Desk, tx: Tx, event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(event.facts["score"])

    for score in range(1, 9):
        await mood(campus, score)
    who, noting = campus.people.maya, dict.fromkeys(EventKind, note)
    await asyncio.gather(*(act(worker.desk, who, noting) for _ in range(4)))
    assert seen == list(range(1, 9))
    assert await act(worker.desk, who, noting) == 0


async def test_an_effect_and_its_mark_commit_together(campus: Campus, worker: WorkerApp) -> None:
    """A reaction that breaks after it wrote leaves nothing behind, and comes again."""
    tries = 0

    async def half(desk: Desk, tx: Tx, event: Event) -> None:
        nonlocal tries
        tries += 1
        await create_task(tx, await student_key(tx), title=f"from try {tries}")
        if tries < 3:
            raise RuntimeError("the worker broke")

    await mood(campus, 5)
    halves = dict.fromkeys(EventKind, half)
    for _ in range(2):
        with pytest.raises(NotHandled):
            await act(worker.desk, campus.people.maya, halves)
        assert campus.count("tasks") == 0
    assert await act(worker.desk, campus.people.maya, halves) == 1
    assert campus.count("tasks") == 1


async def test_an_event_that_always_fails_is_set_aside_and_the_next_ones_go_on(
    campus: Campus, worker: WorkerApp
) -> None:
    seen: list[int] = []

    async def pick(desk: Desk, tx: Tx, event: Event) -> None:
        if event.facts["score"] == 1:
            raise RuntimeError("cannot be read")
        seen.append(event.facts["score"])

    await mood(campus, 1)
    await mood(campus, 2)
    picks = dict.fromkeys(EventKind, pick)
    for _ in range(rules()["handling"]["tries"]):
        with pytest.raises(NotHandled):
            await act(worker.desk, campus.people.maya, picks)
        assert seen == []
    assert await act(worker.desk, campus.people.maya, picks) == 1
    assert seen == [2]
    assert campus.rows("select 1 from student_events where set_aside")


async def test_over_the_queue_one_students_failure_stops_no_other(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = REACTIONS[EventKind.MOOD_LOGGED]

    async def fails_for_maya(desk: Desk, tx: Tx, event: Event) -> None:
        if tx.who.student_id == campus.people.maya.student_id:
            raise RuntimeError("no")
        await whole(desk, tx, event)

    monkeypatch.setitem(REACTIONS, EventKind.MOOD_LOGGED, fails_for_maya)  # type: ignore[arg-type]
    await mood(campus, 5)
    await mood(campus, 5, campus.people.jonas)
    await drain(worker)
    waiting = campus.rows("select student_id from student_events where handled_at is null")
    assert [row["student_id"] for row in waiting] == [campus.people.maya.student_id]


async def test_a_run_of_low_moods_is_asked_about_once(campus: Campus, worker: WorkerApp) -> None:
    for score in (3, 2, 2, 1, 2):
        campus.clock.advance(HOUR)
        await mood(campus, score)
    await drain(worker)
    assert check_ins(campus) == 1 and campus.count("cases") == 0


async def test_a_fall_is_a_shift_is_asked_about_and_listened_to(campus: Campus, worker: WorkerApp) -> None:
    await mood(campus, 8)
    campus.clock.advance(3 * HOUR)
    await mood(campus, 4)
    await drain(worker)
    assert kinds(campus) == ["mood.logged", "mood.logged", "mood.shift"]
    assert check_ins(campus) == 1 and await holding(campus) == (Signal.MOOD_DROP,)
    conversation = campus.rows("select id from conversations")[0]["id"]
    async with campus.db.acting(campus.people.maya) as tx:
        context = (await read_snapshot(tx, conversation, campus.clock.now())).context
    assert context.data_signals == ("mood_drop",)
    campus.clock.advance(3 * DAY)
    assert await holding(campus) == ()


async def test_a_rise_and_a_fall_over_days_are_not_asked_about(campus: Campus, worker: WorkerApp) -> None:
    for score, wait in ((4, 2), (9, 30), (4, 0)):
        await mood(campus, score)
        campus.clock.advance(wait * HOUR)
    await drain(worker)
    assert kinds(campus).count("mood.shift") == 1  # The rise within two hours; the fall took more than a day.
    assert check_ins(campus) == 0


async def test_poor_nights_are_told_once_a_week(campus: Campus, worker: WorkerApp) -> None:
    for days_ago, hours in ((4, 4), (3, 8), (2, 4.5)):
        await fill_in(campus, "sleep", days_ago, hours=hours)
    await drain(worker)
    assert "sleep.poor" not in kinds(campus)
    await fill_in(campus, "sleep", 0, hours=3)
    await fill_in(campus, "sleep", 0, hours=4)
    await drain(worker)
    assert kinds(campus).count("sleep.poor") == 1
    assert check_ins(campus) == 1 and Signal.SLEEP_POOR in await holding(campus)


async def test_a_watched_answer_is_listened_to_for_two_weeks(campus: Campus, worker: WorkerApp) -> None:
    await fill_in(campus, "phq9", self_harm=1)
    await drain(worker)
    assert await holding(campus) == (Signal.PHQ9_ITEM9,)
    campus.clock.advance(13 * DAY)
    assert await holding(campus) == (Signal.PHQ9_ITEM9,)
    campus.clock.advance(2 * DAY)
    assert await holding(campus) == ()


async def test_the_companion_asks_by_itself_seldom_and_never_late(campus: Campus, worker: WorkerApp) -> None:
    for _ in range(2):
        await mood(campus, 9)
        campus.clock.advance(HOUR)
        await mood(campus, 3)
        await drain(worker)
        campus.clock.advance(DAY)
    assert check_ins(campus) == 1
    campus.clock.advance(7 * DAY)
    await mood(campus, 9)
    campus.clock.advance(HOUR)
    await mood(campus, 3)
    campus.clock.advance(13 * HOUR)
    await drain(worker)
    assert check_ins(campus) == 1


async def test_who_does_not_want_to_be_asked_is_not(campus: Campus, worker: WorkerApp) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        await decide(tx, "mood", CHECK_IN, granted=False, at=campus.clock.now())
    await mood(campus, 9)
    campus.clock.advance(HOUR)
    await mood(campus, 3)
    await drain(worker)
    assert check_ins(campus) == 0 and Signal.MOOD_DROP in await holding(campus)


async def test_beside_the_script_nothing_is_asked(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    told = await campus.texts(conversation)
    await mood(campus, 9)
    await mood(campus, 2)
    await drain(worker)
    assert await campus.texts(conversation) == told and campus.count("conversations") == 1


async def tasks_due(campus: Campus, *dues: tuple[timedelta, bool]) -> None:
    """Tasks of Maya's, due so long ago; done in time or not at all."""
    async with campus.db.acting(campus.people.maya) as tx:
        key, now = await student_key(tx), campus.clock.now()
        for ago, done in dues:
            task = await create_task(tx, key, title="Lab", due_at=now - ago)
            if done:
                await complete_task(tx, key, task_id=task.id, at=now - ago - HOUR)


async def test_overdue_work_is_told_once_each(campus: Campus, worker: WorkerApp) -> None:
    await tasks_due(campus, (HOUR, False), (2 * DAY, False), (HOUR, True), (-HOUR, False), (9 * DAY, False))
    assert await sweep_overdue(worker.desk) == 2
    assert await sweep_overdue(worker.desk) == 0
    assert kinds(campus) == ["assignment.overdue"] * 2
    campus.clock.advance(2 * HOUR)
    assert await sweep_overdue(worker.desk) == 1


async def test_less_work_done_than_before_is_told_once_a_week(campus: Campus, worker: WorkerApp) -> None:
    before = [((20 + number) * DAY, True) for number in range(6)]
    await tasks_due(campus, *before, *[((2 + number) * DAY, number == 0) for number in range(4)])
    assert await sweep_completion(worker.desk) == 0  # Four lately are too few to say anything.
    await tasks_due(campus, (3 * DAY, False))
    assert await sweep_completion(worker.desk) == 1
    assert await sweep_completion(worker.desk) == 0
    assert kinds(campus) == ["task.completion_pattern"]


async def test_what_was_acted_on_is_forgotten_in_time(campus: Campus, worker: WorkerApp) -> None:
    await mood(campus, 5)
    await drain(worker)
    campus.clock.advance(59 * DAY)
    assert await forget_old(worker.desk) == 0
    campus.clock.advance(2 * DAY)
    await mood(campus, 5)
    assert await forget_old(worker.desk) == 1
    assert len(kinds(campus)) == 1


@pytest.mark.parametrize("wrong", ["jonas", "rosa", "operator", "stranger", "foreign_counselor"])
async def test_nobody_else_sees_events_signals_settings_or_reminders(campus: Campus, wrong: str) -> None:
    await mood(campus, 5)
    async with campus.db.acting(campus.people.maya) as tx:
        await signals.raise_signal(tx, await student_key(tx), Signal.MOOD_DROP, at=campus.clock.now())
    async with campus.db.acting(getattr(campus.people, wrong)) as tx:
        for table in ("student_events", "student_signals", "companion_settings", "reminders"):
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
            assert await (await tx.conn.execute(query)).fetchone() == (0,), table


def test_every_kind_has_a_reaction() -> None:
    assert set(REACTIONS) == set(EventKind)
    assert {kind.value for kind in EventKind} >= {
        "academic_stress.high", "assignment.overdue", "task.completion_pattern", "mood.logged", "mood.shift",
        "sleep.poor", "instrument.submitted",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("function", "old", "new", "check"),
    [
        (outbox.next_event, "order by seq", "order by seq desc",
         test_events_of_a_student_are_acted_on_in_order_and_once),
        (outbox.emit, "if not stored.rowcount:", "if False:", test_the_same_about_the_same_is_one_event),
        (handling._react, "async with tx.conn.transaction():", "if True:",
         test_an_effect_and_its_mark_commit_together),
        (handling._mark, "attempts + 1 < %s then null", "attempts + 1 < %s then now()",
         test_an_effect_and_its_mark_commit_together),
        (signals.may_check_in, "where s.checked_in_at is null or s.checked_in_at <= %s",
         "where s.checked_in_at is null or %s is not null",
         test_the_companion_asks_by_itself_seldom_and_never_late),
        (reactions._ask, "await allows(tx, KIND_OF[signal], CHECK_IN)", "True",
         test_who_does_not_want_to_be_asked_is_not),
        (reactions._ask, "not late and ", "", test_the_companion_asks_by_itself_seldom_and_never_late),
    ],
)  # fmt: skip
async def test_a_seeded_bug_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch,
    function: Callable[..., Any], old: str, new: str, check: Callable[..., Any],
) -> None:  # fmt: skip
    seed(monkeypatch, function, old, new)
    with pytest.raises((AssertionError, TimeoutError, NotHandled, pytest.fail.Exception)):
        async with asyncio.timeout(20):
            await (check(campus, worker) if "worker" in check.__code__.co_varnames else check(campus))
