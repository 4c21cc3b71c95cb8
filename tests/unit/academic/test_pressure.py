"""How full a week is: the contract's formula, part by part, and silence where there is not enough data."""

from __future__ import annotations

import pytest

from tests.unit.academic.build import WEEK, course, graded, known, task, week, work
from tools.academic.pressure import Part, Pressure, pressure


def part(found: Pressure, name: str) -> Part:
    return next(one for one in found.parts if one.name == name)


def test_under_three_dated_pieces_nothing_is_said() -> None:
    found = pressure(known(course(), work(1), work(2), work(3, due=None), task(4, due=None)), WEEK)
    assert (found.score, found.band, found.parts) == (None, "not_enough", ())
    assert found.said == "There isn't enough data yet: it takes 3 pieces of work with a date, and 2 are known."


def test_a_week_with_nothing_due_is_low_and_not_unknown() -> None:
    found = pressure(known(course(), *(work(number, due=20 + 3 * number) for number in range(3))), WEEK)
    assert (found.score, found.band) == (0, "low")


def test_load_is_the_fullest_three_days_against_free_hours() -> None:
    """Three tasks of two hours, stretched to three, within three days of four free hours each: nine against twelve."""
    three = [task(number, due=day, estimate=120) for number, day in enumerate((1, 2, 2.9))]
    load = part(pressure(known(*three), WEEK), "load")
    assert load.value == pytest.approx(9 / 12)
    assert load.points == 30
    assert "about 9 hours of work are due against 12 hours that are free (assumed" in load.said
    spread = [task(number, due=day, estimate=120) for number, day in enumerate((0.5, 3.6, 6.7))]
    assert part(pressure(known(*spread), WEEK), "load").value == pytest.approx(3 / 12)


def test_more_free_hours_mean_less_load() -> None:
    three = [task(number, due=1 + number, estimate=120) for number in range(3)]
    found = pressure(known(*three), week(free_hours=(8,) * 7))
    assert part(found, "load").value == pytest.approx(9 / 24)
    assert "assumed" not in part(found, "load").said


@pytest.mark.parametrize(("days", "count"), [((1, 2, 2.5), 3), ((1, 3.1, 5.2), 0), ((1, 3, 6), 2)])
def test_clashes_are_deadlines_within_two_days(days: tuple[float, ...], count: int) -> None:
    clashes = part(pressure(known(*(task(number, due=day) for number, day in enumerate(days))), WEEK), "clashes")
    assert clashes.value == pytest.approx(count / 5)


def test_owed_is_missing_work_that_can_still_be_handed_in() -> None:
    rest = [work(number, due=-3, points=90, submission={"submitted_at": "2026-09-20T00:00:00Z"}) for number in (7, 8)]
    open_, closed = work(1, due=-2, points=10), work(2, due=-2, points=10, locked_for_user=True)
    owed = part(pressure(known(course(), open_, closed, *rest), WEEK), "owed")
    assert owed.value == pytest.approx(10 / 200 / 0.15)
    assert owed.points == 8


class TestGrades:
    def test_the_drop_of_the_last_five_against_the_courses_total(self) -> None:
        posted = [graded(number, 15, ago=10 - number) for number in range(5)]
        found = part(pressure(known(course(total=82.5), *posted), WEEK), "grades")
        assert found.value == pytest.approx(7.5 / 15)
        assert found.points == 8

    def test_a_rise_is_no_pressure(self) -> None:
        posted = [graded(number, 20, ago=10 - number) for number in range(5)]
        assert part(pressure(known(course(total=70), *posted), WEEK), "grades").value == 0

    def test_under_five_there_is_not_enough_data_and_it_counts_as_nothing(self) -> None:
        posted = [graded(number, 5, ago=10 - number) for number in range(4)]
        found = pressure(known(course(total=90), *posted), WEEK)
        assert part(found, "grades").value is None
        assert "Not enough data" in part(found, "grades").said
        assert found.score == sum(one.points for one in found.parts)

    def test_hidden_grades_are_not_counted_as_noughts(self) -> None:
        posted = [graded(number, 18, ago=10 - number) for number in range(5)]
        hidden = [graded(number, 0, ago=1, posted=False) for number in (7, 8, 9)]
        with_, without = known(course(total=90), *posted, *hidden), known(course(total=90), *posted)
        assert part(pressure(with_, WEEK), "grades").value == part(pressure(without, WEEK), "grades").value == 0


def test_the_parts_add_up_and_never_pass_a_hundred() -> None:
    full = [task(number, due=0.2 + number / 10, estimate=600) for number in range(9)]
    owed = [work(number, due=-2) for number in range(3)]
    low = [graded(20 + number, 2, ago=10 - number, course="2") for number in range(5)]
    found = pressure(known(course(), course("2", total=95), *full, *owed, *low), WEEK)
    assert found.score == 100
    assert found.band == "high"
    assert [one.weight for one in found.parts] == [0.40, 0.20, 0.25, 0.15]


def test_it_speaks_of_work_and_of_nobody() -> None:
    found = pressure(known(*(task(number) for number in range(4))), WEEK)
    text = " ".join([found.said, found.about, *(one.said for one in found.parts)]).lower()
    assert not any(word in text for word in ("diagnos", "anxi", "depress", "disorder", "you are stressed", "burnout"))
    assert "says nothing about how you are" in text
