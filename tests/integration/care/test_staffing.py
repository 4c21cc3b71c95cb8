"""Who answers when: stated plainly, never guessed, and never a reason for a message to fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from core.errors import ConfigurationError
from core.settings import Environment
from safety.triage import sharing
from safety.triage.words import Words
from safety.types import Severity
from tests.integration.care.conftest import Campus, drain, open_worker
from tests.mutation import seed
from tools.care import ladder
from tools.care.delivery import WorkerApp
from tools.care.staffing import responder_problem, staffing

SHIFTS = [{"days": [0, 1, 2, 3, 4], "from": "09:00", "to": "17:00"}]
LINE = {"email": "line@contract.example"}
SATURDAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("settings", "now", "next_at"),
    [
        ({}, False, None),
        ({"staffing": "always"}, True, None),
        ({"line_24_7": LINE}, True, None),
        ({"line_24_7": {}}, False, None),
        ({"line_24_7": LINE, "responder": "unstaffed"}, False, None),
        ({"staffing": "always", "responder": "unstaffed"}, False, None),
        (
            {"staffing": SHIFTS, "line_24_7": LINE, "responder": "unstaffed"},
            False,
            datetime(2026, 11, 23, 16, tzinfo=UTC),
        ),
        ({"staffing": SHIFTS}, False, datetime(2026, 11, 23, 16, tzinfo=UTC)),
        ({"staffing": [{"days": "never"}]}, False, None),
        ({"staffing": [{"days": [5, 6], "from": "later", "to": "24:00"}]}, False, None),
        ({"staffing": "sometimes"}, False, None),
    ],
)
def test_staffing_is_read_as_it_is_written(settings: dict[str, Any], now: bool, next_at: datetime | None) -> None:
    found = staffing(settings, "America/Denver", SATURDAY)
    assert (found.now, found.next_at) == (now, next_at)


NIGHTS = [{"days": [4, 5], "from": "22:00", "to": "06:00"}]
"""Friday and Saturday night, in Denver, seven hours behind."""


@pytest.mark.parametrize(
    ("moment", "now", "next_at"),
    [
        (datetime(2026, 11, 21, 4, 59, tzinfo=UTC), False, datetime(2026, 11, 21, 5, tzinfo=UTC)),
        (datetime(2026, 11, 21, 5, tzinfo=UTC), True, None),
        (datetime(2026, 11, 21, 12, 59, tzinfo=UTC), True, None),
        (datetime(2026, 11, 21, 13, tzinfo=UTC), False, datetime(2026, 11, 22, 5, tzinfo=UTC)),
        (datetime(2026, 11, 22, 12, 59, tzinfo=UTC), True, None),
        (datetime(2026, 11, 22, 13, tzinfo=UTC), False, datetime(2026, 11, 28, 5, tzinfo=UTC)),
        (datetime(2026, 11, 24, 6, tzinfo=UTC), False, datetime(2026, 11, 28, 5, tzinfo=UTC)),
    ],
)
def test_a_night_shift_ends_on_the_next_day(moment: datetime, now: bool, next_at: datetime | None) -> None:
    found = staffing({"staffing": NIGHTS}, "America/Denver", moment)
    assert (found.now, found.next_at) == (now, next_at)


def test_a_shift_until_midnight_and_one_around_the_clock() -> None:
    evening = {"staffing": [{"days": [4], "from": "18:00", "to": "00:00"}]}
    assert staffing(evening, "UTC", datetime(2026, 11, 20, 23, 59, tzinfo=UTC)).now
    assert not staffing(evening, "UTC", datetime(2026, 11, 21, tzinfo=UTC)).now
    day = {"staffing": [{"days": [4], "from": "08:00", "to": "08:00"}]}
    assert staffing(day, "UTC", datetime(2026, 11, 21, 7, 59, tzinfo=UTC)).now
    assert not staffing(day, "UTC", datetime(2026, 11, 21, 8, tzinfo=UTC)).now


def test_a_zone_that_does_not_exist_promises_nobody() -> None:
    assert not staffing({"staffing": SHIFTS}, "Middle/Earth", SATURDAY).now


@pytest.mark.parametrize("settings", [{"line_24_7": LINE}, {"responder": "unstaffed"}, {"staffing": "always"}])
def test_a_campus_that_says_who_answers_may_go_live(settings: dict[str, Any]) -> None:
    assert responder_problem(settings) is None
    assert responder_problem({"staffing": SHIFTS}) is not None


async def test_production_does_not_start_without_a_responder(campus: Campus) -> None:
    campus.change("update institutions set settings = '{}'")
    production = campus.settings.model_copy(update={"environment": Environment.PRODUCTION})
    with pytest.raises(ConfigurationError, match="valley"):
        async for _ in open_worker(production, campus.clock):
            pass


async def test_a_broken_staffing_rule_never_stops_a_crisis(campus: Campus, worker: WorkerApp) -> None:
    campus.change("update institutions set settings = settings || '{\"staffing\": [{\"days\": 7}]}', time_zone = 'x/y'")
    await campus.crisis()
    await drain(worker)
    assert campus.rows("select 1 from outbox where subject like '%%now%%'")


async def test_the_time_of_what_does_not_page_counts_from_when_somebody_looks(
    campus: Campus, worker: WorkerApp
) -> None:
    """Nobody is called out at night for what was promised for the day."""
    campus.clock.moment = SATURDAY
    campus.change("update institutions set settings = settings || %s::jsonb", '{"staffing": [{"days": [0, 1, 2, 3, 4],'
                  ' "from": "09:00", "to": "17:00"}]}')  # fmt: skip
    await campus.crisis(Severity.MODERATE)
    opening = datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert campus.rows("select due_at from cases") == [{"due_at": opening + timedelta(hours=4)}]
    climbs = campus.rows("select scheduled_at from procrastinate_jobs where task_name = 'climb' order by scheduled_at")
    assert [row["scheduled_at"] for row in climbs] == [opening + timedelta(hours=3), opening + timedelta(hours=4)]
    await campus.crisis(Severity.HIGH)
    assert campus.rows("select due_at from cases where severity = 'high'") == [
        {"due_at": campus.clock.now() + timedelta(minutes=5)}
    ]


FRIDAY_EVENING = datetime(2026, 11, 20, 23, 55, tzinfo=UTC)
"""16:55 in Denver, five minutes before the counselors leave until Monday."""


@pytest.mark.parametrize("more", [{}, {"line_24_7": LINE}])
async def test_what_is_promised_for_the_same_day_counts_the_counselors_hours(
    campus: Campus, worker: WorkerApp, more: dict[str, Any]
) -> None:
    """A contracted line that answers at night reads no digest: the promise is about counselors."""
    campus.clock.moment = FRIDAY_EVENING
    rules = {"staffing": SHIFTS, "line_24_7": {}, **more}
    campus.change("update institutions set settings = settings || %s, time_zone = 'America/Denver'", Jsonb(rules))
    conversation = await campus.crisis(Severity.MODERATE)
    due = datetime(2026, 11, 23, 19, 55, tzinfo=UTC)
    assert campus.rows("select due_at from cases") == [{"due_at": due}]
    climbs = campus.rows("select scheduled_at from procrastinate_jobs where task_name = 'climb' order by scheduled_at")
    assert [row["scheduled_at"] for row in climbs] == [due - timedelta(hours=1), due]
    said = " ".join(text for _, text in await campus.texts(conversation))
    assert "read it by Monday 12:55" in said


async def test_a_promise_for_the_night_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, ladder.passed_at, "staffed_until(staff.shifts, at, after)", "at + after")
    with pytest.raises(AssertionError):
        await test_what_is_promised_for_the_same_day_counts_the_counselors_hours(campus, worker, {})


async def test_a_promise_without_its_day_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, Words.hour, "==", "!=")
    with pytest.raises(AssertionError):
        await test_what_is_promised_for_the_same_day_counts_the_counselors_hours(campus, worker, {})


async def test_a_promise_that_knows_no_shifts_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, sharing._by, "facts.shifts", "()")
    with pytest.raises(AssertionError):
        await test_what_is_promised_for_the_same_day_counts_the_counselors_hours(campus, worker, {})


async def test_the_unstaffed_mode_is_a_choice_and_no_alarm(campus: Campus, worker: WorkerApp) -> None:
    campus.change('update institutions set settings = settings || \'{"responder": "unstaffed"}\'')
    await campus.crisis()
    campus.pass_time(timedelta(hours=1))
    await drain(worker)
    line = campus.rows(
        "select distinct state, last_error from deliveries where rung = 'line_24_7' and channel = 'email'"
    )
    assert line == [{"state": "failed", "last_error": "unstaffed"}]
    assert campus.rows("select 1 from alarms") == []
