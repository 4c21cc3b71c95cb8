"""The tests of what counts as told and of the alarms, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations import watch
from tests.integration.care import test_reach, test_shown, test_staffing, test_watch
from tests.integration.care.conftest import Campus
from tests.integration.care.test_watch import Watching, watching
from tests.mutation import seed
from tools.care import alarm, operator, queue, reach, sending, shown, staffing

__all__ = ["watching"]
Patch = pytest.MonkeyPatch


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        await check


async def nothing(*_: Any, **__: Any) -> None:
    return None


async def test_a_queue_that_counts_as_shown_when_it_is_read_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    whole = queue.require_staff

    def eager(tx: Any) -> Any:
        campus.change(
            "update deliveries set state = 'sent', sent_at = %s where channel = 'console'", campus.clock.now()
        )
        return whole(tx)

    monkeypatch.setattr(queue, "require_staff", eager)
    await must_fail(test_shown.test_reading_the_queue_tells_nobody(campus))


async def on_duty_always(*_: Any, **__: Any) -> bool:
    return True


async def test_everybody_counted_as_on_duty_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(shown, "on_duty", on_duty_always)
    await must_fail(test_shown.test_the_schedule_says_who_is_on_duty(campus))


async def test_an_unstaffed_campus_with_people_on_duty_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(shown, "on_duty", on_duty_always)
    await must_fail(test_shown.test_outside_every_hour_that_is_staffed_nobody_is_on_duty(campus))


def test_an_unstaffed_mode_that_promises_people_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(staffing, "is_unstaffed", lambda _: False)
    with pytest.raises(AssertionError):
        test_staffing.test_staffing_is_read_as_it_is_written(
            {"staffing": "always", "responder": "unstaffed"}, False, None
        )


async def test_a_call_that_reached_nobody_in_silence_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(sending, "check_call", nothing)
    await must_fail(test_reach.test_a_call_whose_every_notice_failed_is_an_alarm_at_once(campus))


async def test_a_failure_that_leaves_no_attempt_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(sending, "_record_attempt", nothing)
    await must_fail(test_reach.test_a_call_whose_every_notice_failed_is_an_alarm_at_once(campus))


async def test_a_campus_that_reaches_nobody_in_silence_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(reach, "_reaches_somebody", on_duty_always)
    await must_fail(test_reach.test_a_campus_without_any_way_out_is_known_before_anybody_needs_it(campus))


async def test_an_alarm_that_says_it_was_told_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr("tools.care.operator.Operator.tell", nothing)
    await must_fail(test_reach.test_a_campus_without_any_way_out_is_known_before_anybody_needs_it(campus))


async def test_a_watch_that_sleeps_is_noticed(campus: Campus, watching: Watching, monkeypatch: Patch) -> None:
    monkeypatch.setattr(watch, "WORKER_SILENT", watch.timedelta(days=1))
    await must_fail(test_watch.test_a_silent_worker_is_told_once_and_again_after_it_lived(campus, watching))


async def test_a_watch_that_cannot_tell_without_the_database_is_noticed(
    campus: Campus, watching: Watching, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(watch.Watch, "_tell_that_it_is_down", nothing)
    await must_fail(test_watch.test_a_database_that_is_down_is_told_directly_and_once(campus, watching, monkeypatch))


async def test_a_spool_that_stands_in_silence_is_noticed(
    campus: Campus, watching: Watching, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(watch, "SPOOL_STANDS", watch.timedelta(days=1))
    await must_fail(test_watch.test_messages_that_wait_although_the_database_answers_are_told(campus, watching))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("range(-1, 8)", "range(8)"),
        ("days=until <= start.time()", "days=0"),
        ("until <= start.time()", "until < start.time()"),
    ],
)
def test_a_night_in_which_nobody_is_seen_is_noticed(monkeypatch: Patch, old: str, new: str) -> None:
    seed(monkeypatch, staffing._shifts, old, new)
    with pytest.raises(AssertionError):
        test_staffing.test_a_night_shift_ends_on_the_next_day(datetime(2026, 11, 21, 12, 59, tzinfo=UTC), True, None)
        test_staffing.test_a_shift_until_midnight_and_one_around_the_clock()


async def test_one_alarm_that_stops_the_others_is_noticed(
    campus: Campus, watching: Watching, monkeypatch: Patch
) -> None:
    seed(monkeypatch, alarm.tell_operator, "except Exception as error:", "except ZeroDivisionError as error:")
    with pytest.raises((AssertionError, RuntimeError)):
        await test_watch.test_one_alarm_that_cannot_be_told_keeps_back_no_other(campus, watching)


def test_an_alarm_without_words_that_is_kept_back_is_noticed(monkeypatch: Patch) -> None:
    seed(monkeypatch, operator._words, "except KeyError as error:", "except ZeroDivisionError as error:")
    with pytest.raises(KeyError):
        test_watch.test_an_alarm_of_another_version_is_told_by_its_name()
