"""The weekly question beside the number: silence until there is enough, and the student is believed."""

from __future__ import annotations

from datetime import date, timedelta

from tools.academic.felt import Answer, fit_of


def answers(*pairs: tuple[int, int | None]) -> list[Answer]:
    return [Answer(date(2026, 9, 21) - timedelta(weeks=place), *pair) for place, pair in enumerate(pairs)]


def test_under_six_weeks_nothing_is_said() -> None:
    fit = fit_of(answers(*[(5, 50)] * 3, (7, None), (8, 90), (2, 10)))
    assert (fit.n, fit.correlation, fit.direction) == (5, None, "not_enough")


def test_without_differences_there_is_nothing_to_compare() -> None:
    assert fit_of(answers(*[(5, score) for score in (10, 20, 30, 40, 50, 60)])).direction == "not_enough"


def test_going_together_and_not() -> None:
    together = fit_of(answers((1, 5), (2, 20), (4, 33), (5, 50), (8, 70), (9, 95)))
    assert (together.direction, together.correlation) == ("close", 1.0)
    apart = fit_of(answers((9, 5), (2, 20), (8, 33), (1, 50), (8, 70), (2, 95)))
    assert apart.direction == "loose"
    assert apart.said.endswith("Trust yours.")
