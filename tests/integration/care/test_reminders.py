"""Reminders: those that were asked for, at their hour, outside quiet hours, without a word about what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.clock import ManualClock
from core.errors import InvalidInput, NotFound
from core.settings import Settings
from tests.conftest import People
from tests.integration.care.conftest import Campus
from tests.mutation import seed
from tools.care.delivery import WorkerApp, worker_app
from tools.events import reminders
from tools.events.quiet import quiet_until
from tools.events.reminders import end_reminder, list_reminders, next_time, remind, set_reminder
from tools.people.companion import CompanionSettings, read_settings, save_settings
from tools.people.keys import student_key
from tools.wellness.mood import log_mood

ZONE = ZoneInfo("America/Denver")
MORNING = datetime(2030, 3, 5, 7, 0, tzinfo=ZONE).astimezone(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
async def worker(settings: Settings, people: People, clock: ManualClock) -> AsyncIterator[WorkerApp]:
    app = worker_app(settings, clock=clock)
    async with app.open_async():
        yield app


async def ask(campus: Campus, instrument: str = "phq9", hour: int = 9, every_days: int = 1) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        await set_reminder(tx, instrument, every_days=every_days, hour=hour, at=campus.clock.now())


def mails(campus: Campus) -> list[dict[str, Any]]:
    return campus.rows("select recipient, subject, body from outbox where subject like 'A reminder%%'")


async def test_a_reminder_comes_at_its_hour_once_and_says_nothing_about_what(campus: Campus, worker: WorkerApp) -> None:
    await ask(campus)
    campus.clock.advance(HOUR)
    assert await remind(worker.desk) == 0
    campus.clock.advance(HOUR)
    assert await remind(worker.desk) == 1
    assert await remind(worker.desk) == 0
    [mail] = mails(campus)
    assert mail["recipient"] == "maya@hill.example"
    assert not any(word in (mail["subject"] + mail["body"]).lower() for word in ("phq", "mood", "depress", "logs/"))
    campus.clock.advance(DAY)
    assert await remind(worker.desk) == 1
    assert len(mails(campus)) == 2


async def test_nothing_is_sent_that_was_not_asked_for_or_was_ended(campus: Campus, worker: WorkerApp) -> None:
    await ask(campus)
    async with campus.db.acting(campus.people.maya) as tx:
        assert [r.instrument for r in await list_reminders(tx)] == ["phq9"]
        await end_reminder(tx, "phq9")
    campus.clock.advance(3 * HOUR)
    assert await remind(worker.desk) == 0 and mails(campus) == []


async def test_in_quiet_hours_it_waits_for_their_end(campus: Campus, worker: WorkerApp) -> None:
    with pytest.raises(InvalidInput, match="quiet hours"):
        await ask(campus, hour=23)
    await ask(campus, hour=9)
    async with campus.db.acting(campus.people.maya) as tx:
        chosen = CompanionSettings(quiet_from=time(8), quiet_to=time(10))
        await save_settings(tx, await student_key(tx), chosen, at=campus.clock.now())
    campus.clock.advance(2 * HOUR)
    assert await remind(worker.desk) == 0 and mails(campus) == []
    campus.clock.advance(HOUR)
    assert await remind(worker.desk) == 1


async def test_what_is_done_today_needs_no_reminder(campus: Campus, worker: WorkerApp) -> None:
    await ask(campus, "mood")
    async with campus.db.acting(campus.people.maya) as tx:
        await log_mood(tx, await student_key(tx), score=5, at=campus.clock.now())
    campus.clock.advance(2 * HOUR)
    assert await remind(worker.desk) == 0 and mails(campus) == []


async def test_a_worker_that_was_down_for_long_sends_no_pile(campus: Campus, worker: WorkerApp) -> None:
    await ask(campus)
    campus.clock.advance(5 * DAY + 8 * HOUR)
    assert await remind(worker.desk) == 0 and mails(campus) == []
    async with campus.db.acting(campus.people.maya) as tx:
        [reminder] = await list_reminders(tx)
    assert reminder.next_at > campus.clock.now()


async def test_one_that_breaks_holds_up_no_other(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(campus)
    async with campus.db.acting(campus.people.jonas) as tx:
        await set_reminder(tx, "sleep", every_days=1, hour=9, at=campus.clock.now())
    campus.change("update accounts set email_sealed = '\\x00' where id = %s", campus.people.maya.account_id)
    campus.clock.advance(2 * HOUR)
    assert await remind(worker.desk) == 1
    assert [mail["recipient"] for mail in mails(campus)] == ["jonas@hill.example"]


async def test_what_does_not_exist_cannot_be_asked_for(campus: Campus) -> None:
    with pytest.raises(NotFound):
        await ask(campus, "iq")
    with pytest.raises(InvalidInput):
        await ask(campus, every_days=0)


@pytest.mark.parametrize(
    ("clock_time", "quiet", "ends"),
    [("23:00", ("22:00", "08:00"), "08:00"), ("07:59", ("22:00", "08:00"), "08:00"), ("08:00", ("22:00", "08:00"), None),
     ("13:30", ("13:00", "14:00"), "14:00"), ("12:00", ("13:00", "14:00"), None), ("12:00", ("09:00", "09:00"), None)],
)  # fmt: skip
def test_quiet_hours_over_midnight_and_within_a_day(clock_time: str, quiet: tuple[str, str], ends: str | None) -> None:
    moment = datetime.combine(date(2030, 3, 5), time.fromisoformat(clock_time), ZONE)
    found = quiet_until(moment, (time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1])), ZONE)
    assert (found and found.astimezone(ZONE).strftime("%H:%M")) == ends
    assert found is None or found > moment


def test_an_hour_stays_the_hour_when_the_clocks_change() -> None:
    before = datetime(2030, 3, 9, 9, 0, tzinfo=ZONE).astimezone(UTC)  # The clocks go forward in the night to the 10th.
    assert next_time(before, ZONE, 9).astimezone(ZONE).hour == 9


async def test_choices_are_kept_and_wrong_ones_refused(campus: Campus) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        key = await student_key(tx)
        assert await read_settings(tx, key) == CompanionSettings()
        chosen = CompanionSettings(("ACT",), "plain", "short", time(21), time(7))
        await save_settings(tx, key, chosen, at=campus.clock.now())
        assert await read_settings(tx, key) == chosen
        assert chosen.left_out == {"CBT", "BA", "DBT", "mindfulness"} and "Matter-of-fact" in chosen.said
        for wrong in (CompanionSettings(("astrology",)), CompanionSettings(tone="rude")):
            with pytest.raises(InvalidInput):
                await save_settings(tx, key, wrong, at=campus.clock.now())


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("if held is not None:", "if False:", test_in_quiet_hours_it_waits_for_their_end),
        ("await _done_today(tx, instrument, now, zone)", "False", test_what_is_done_today_needs_no_reminder),
        ("meant > TOO_LATE", "False", test_a_worker_that_was_down_for_long_sends_no_pile),
        ("await _move(tx, instrument, following, sent_at=now)", "await _move(tx, instrument, now, sent_at=now)",
         test_a_reminder_comes_at_its_hour_once_and_says_nothing_about_what),
    ],
)  # fmt: skip
async def test_a_seeded_bug_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch, old: str, new: str, check: Callable[..., Any]
) -> None:
    seed(monkeypatch, reminders._remind_one, old, new)
    with pytest.raises(AssertionError):
        await check(campus, worker)
