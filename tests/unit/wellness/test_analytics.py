"""What is said about moods, and when nothing is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from safety.review import ReviewContext, review_text
from safety.review_rules import TextKind
from tests.mutation import seed
from tools.wellness import analytics
from tools.wellness.analytics import MoodAnalytics, Score, analyse, turns

ZONE = ZoneInfo("America/Denver")
NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
TODAY = NOW.astimezone(ZONE).date()


def at(days_ago: int, hour: int = 12) -> datetime:
    local = datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), ZONE)
    return local + timedelta(hours=hour)


def daily(*scores: int, hour: int = 12) -> list[Score]:
    """One entry a day, the last of them today."""
    return [(at(len(scores) - 1 - day, hour), score) for day, score in enumerate(scores)]


def look(scores: list[Score], days: int = 30, **more: dict[date, float]) -> MoodAnalytics:
    return analyse(scores, days=days, now=NOW, zone=ZONE, **more)


def texts(found: MoodAnalytics) -> Iterator[str]:
    parts = (found.trend, found.volatility, found.swings, found.weekday, found.time_of_day, found.sleep,
             found.workload, found.streak)  # fmt: skip
    yield from (part.text for part in parts if part.text)


def test_without_entries_nothing_is_claimed() -> None:
    found = look([])
    assert (found.n, found.mean) == (0, None)
    assert {found.trend.standing, found.weekday.standing, found.sleep.standing} == {"not_enough"}
    assert found.streak.text == found.sleep.text == found.workload.text == ""


def test_six_days_are_too_few_for_a_direction_and_seven_are_not() -> None:
    assert look(daily(1, 2, 3, 4, 5, 6)).trend.standing == "not_enough"
    found = look(daily(1, 2, 3, 4, 5, 6, 7)).trend
    assert (found.standing, found.direction, found.n) == ("clear", "up", 7)
    assert found.per_week == pytest.approx(7.0)
    assert "up by about 7 points a week" in found.text


def test_a_noisy_log_gets_no_direction() -> None:
    found = look(daily(3, 8, 2, 9, 4, 7, 3, 8)).trend
    assert (found.standing, found.direction) == ("unclear", None)
    assert "don't show a clear direction" in found.text


def test_a_level_log_is_steady() -> None:
    assert look(daily(*[6] * 14)).trend.direction == "steady"


def test_days_are_the_students_own() -> None:
    late = [(datetime(2026, 11, 20, 5, tzinfo=UTC), 3), (datetime(2026, 11, 20, 8, tzinfo=UTC), 9)]
    assert look(late).streak.days_logged == 2  # 22:00 on the 19th and 1:00 on the 20th in Denver


def test_the_day_before_the_window_is_outside_it() -> None:
    assert look([(at(30), 2), (at(29), 8)]).n == 1


def test_volatility_is_compared_with_the_window_before() -> None:
    scores = daily(*[5] * 30, *[3, 8] * 15)
    found = look(scores).volatility
    assert found.value == pytest.approx(5.0) and found.earlier == pytest.approx(0.0)
    assert "more than in the 30 days before" in found.text


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([5, 5, 5], 0), ([2, 8, 3], 2), ([2, 4, 6, 3], 2), ([2, 8], 1), ([5, 7, 5, 7], 0), ([9, 4, 8, 3], 3),
     ([1, 2, 3, 4, 5, 6], 1), ([5, 8, 6, 9, 6], 2)],
)  # fmt: skip
def test_turns_of_a_day(scores: list[int], expected: int) -> None:
    assert turns(scores, 3) == expected


def test_a_day_of_swings_is_named_and_nothing_more() -> None:
    found = look([(at(0, 8), 2), (at(0, 12), 9), (at(0, 18), 3), (at(1, 9), 2), (at(1, 20), 9)]).swings
    assert found.days == (TODAY,)
    assert "bipolar" not in found.text and "nothing else" in found.text


def test_a_weekday_that_stands_out_is_named() -> None:
    level = [7 - 4 * ((TODAY - timedelta(days=55 - day)).weekday() == 0) + day % 2 for day in range(56)]
    found = look(daily(*level), days=56).weekday
    assert found.standing == "clear" and "Monday lower" in found.text


def test_no_weekday_is_made_up_out_of_noise() -> None:
    dice = np.random.default_rng(1)
    claimed = 0
    for _ in range(60):
        scores = [int(score) for score in dice.integers(3, 9, 56)]
        claimed += look(daily(*scores), days=56).weekday.standing == "clear"
    assert claimed <= 3


def test_low_days_with_many_entries_do_not_pass_for_a_time_of_day() -> None:
    scores: list[Score] = []
    for back in range(20):
        low = back % 2 == 0
        hours = (9, 19) if not low else (19, 20, 21)
        scores += [(at(back, hour), 3 if low else 8) for hour in hours]
    assert look(sorted(scores)).time_of_day.standing == "unclear"


def test_sleep_that_goes_with_mood_is_said_with_its_n() -> None:
    scores = [3 + 4 * (day % 2) for day in range(20)]
    hours = {TODAY - timedelta(days=19 - day): 5.0 + 3 * (day % 2) for day in range(20)}
    found = look(daily(*scores), sleep_hours=hours).sleep
    assert (found.standing, found.n) == ("clear", 20)
    assert found.rho == pytest.approx(1.0)
    assert "7 after 6.5 hours or more, 3 after less (20 days)" in found.text and "can't tell" in found.text


def test_thirteen_nights_say_nothing() -> None:
    hours = {TODAY - timedelta(days=day): 5.0 + 3 * (day % 2) for day in range(13)}
    found = look(daily(*[3, 7] * 10), sleep_hours=hours).sleep
    assert (found.standing, found.rho, found.text, found.n) == ("not_enough", None, "", 13)


def test_pauses_end_no_streak_and_are_not_mentioned() -> None:
    scores = [(at(back), 5) for back in (12, 10, 9, 7, 4, 2)]
    found = look(scores).streak
    assert (found.days_logged, found.run) == (6, 13)
    assert "13 days, pauses included" in found.text
    gone = look([(at(20), 5)]).streak
    assert gone.run == 0
    assert not re.search(r"lost|broke|missed|only|failed|again", gone.text)


def test_what_is_said_passes_the_review_that_replies_pass() -> None:
    hours = {TODAY - timedelta(days=day): 5.0 + 3 * (day % 2) for day in range(60)}
    for scores in ([], daily(1, 2), daily(*[3, 7] * 30), daily(*range(1, 11)), daily(*[6] * 60)):
        for text in texts(look(scores, sleep_hours=hours, due=hours)):
            reviewed, _ = review_text(text, ReviewContext(TextKind.PASSAGE, "en"))
            assert reviewed == text


@pytest.mark.parametrize(
    ("function", "old", "new", "test"),
    [
        (analytics._trend, 'rules["least_days"]:', "2:", test_six_days_are_too_few_for_a_direction_and_seven_are_not),
        (analytics._trend, "week.clear and ", "", test_a_noisy_log_gets_no_direction),
        (analytics._association, 'figures()["association"]["least_days"]', "3", test_thirteen_nights_say_nothing),
        (analytics._pattern, 'chance > rules["most_chance"]', "False", test_no_weekday_is_made_up_out_of_noise),
        (analytics._time_of_day, "score - by_day[at.date()]", "score",
         test_low_days_with_many_entries_do_not_pass_for_a_time_of_day),
        (analytics._streak, '> rules["grace_days"]', "> 0", test_pauses_end_no_streak_and_are_not_mentioned),
    ],
)  # fmt: skip
def test_a_seeded_bug_is_noticed(
    monkeypatch: pytest.MonkeyPatch, function: object, old: str, new: str, test: object
) -> None:
    seed(monkeypatch, function, old, new)  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        test()  # type: ignore[operator]
