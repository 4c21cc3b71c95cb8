"""The formulas against published or hand-worked figures, and against what must hold for any series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.wellness import statistics
from tools.wellness.statistics import group_difference, ranks, rmssd, spearman, theil_sen


def array(*values: float) -> statistics.Array:
    return np.array(values, dtype=float)


def test_the_slope_is_the_median_of_the_pairwise_slopes() -> None:
    # Sen (1968), section 6: x = 1, 2, 3, 4, 10, 12, 18; y = 9, 15, 19, 20, 45, 55, 78; slope 4, 93 % interval about it.
    found = theil_sen(array(1, 2, 3, 4, 10, 12, 18), array(9, 15, 19, 20, 45, 55, 78))
    assert found.value == pytest.approx(4.0, abs=0.01)
    assert 3.4 < found.low < 4.0 < found.high < 5.1
    assert found.clear


def test_one_wild_day_does_not_turn_the_slope() -> None:
    days = np.arange(20, dtype=float)
    moods = 5 + 0.1 * days
    moods[10] = 1
    assert theil_sen(days, moods).value == pytest.approx(0.1, abs=0.01)


def test_days_that_resemble_their_neighbours_widen_the_interval() -> None:
    days = np.arange(40, dtype=float)
    dice = np.random.default_rng(3)
    noise = dice.normal(size=40)
    sticky = np.zeros(40)
    for day in range(1, 40):
        sticky[day] = 0.85 * sticky[day - 1] + noise[day]
    alone = theil_sen(days, noise)
    beside = theil_sen(days, sticky)
    assert (beside.high - beside.low) / sticky.std() > 1.5 * (alone.high - alone.low) / noise.std()


def test_false_directions_stay_rare() -> None:
    """Without any trend, about one interval in twenty may leave out zero."""
    dice = np.random.default_rng(11)
    days = np.arange(30, dtype=float)
    wrong = sum(theil_sen(days, np.round(dice.normal(6, 1.5, 30)).clip(1, 10)).clear for _ in range(400))
    assert wrong / 400 < 0.08


def test_rank_correlation_of_a_textbook_series() -> None:
    # Ten pairs with a sum of squared rank differences of 194: rho = 1 - 6 * 194 / (10 * 99) = -0.17576.
    iq = array(106, 100, 86, 101, 99, 103, 97, 113, 112, 110)
    hours = array(7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
    found = spearman(iq, hours)
    assert found.value == pytest.approx(-0.17576, abs=1e-4)
    assert found.low < -0.6 and found.high > 0.5 and not found.clear


def test_a_constant_series_correlates_with_nothing() -> None:
    found = spearman(np.ones(20), np.arange(20, dtype=float))
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0) and not found.clear


def test_ties_share_their_mean_rank() -> None:
    assert ranks(array(10, 20, 20, 5)).tolist() == [2.0, 3.5, 3.5, 1.0]


def test_only_neighbouring_days_count_as_a_change() -> None:
    value, pairs = rmssd(array(5, 7, 1, 4), array(0, 1, 5, 6))
    assert pairs == 2 and value == pytest.approx(np.sqrt((4 + 9) / 2))
    assert rmssd(array(5, 7), array(0, 3)) == (None, 0)


def test_groups_that_differ_are_told_from_groups_that_do_not() -> None:
    dice = np.random.default_rng(5)
    groups = np.arange(70) % 7
    values = dice.normal(6, 1, 70)
    assert group_difference(values, groups) > 0.05
    assert group_difference(values + 3 * (groups == 2), groups) < 0.01
    assert group_difference(values, groups) == group_difference(values, groups)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10), min_size=7, max_size=40))
def test_an_interval_holds_its_value(moods: list[int]) -> None:
    days = np.arange(len(moods), dtype=float)
    scores = np.array(moods, dtype=float)
    slope, link = theil_sen(days, scores), spearman(days, scores)
    assert slope.low <= slope.value <= slope.high
    assert -1 <= link.low <= link.value <= link.high <= 1
    upside_down = theil_sen(days, -scores)
    assert upside_down.value == pytest.approx(-slope.value)
