"""Hours in which somebody is there: joined, counted, and never counted twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from safety.hours import Shift, joined, staffed_until

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shift(start: float, end: float) -> Shift:
    return (MONDAY + start * HOUR, MONDAY + end * HOUR)


DAYS = (shift(9, 17), shift(33, 41))


def test_time_runs_only_while_somebody_is_there() -> None:
    assert staffed_until(DAYS, MONDAY + 10 * HOUR, 4 * HOUR) == MONDAY + 14 * HOUR
    assert staffed_until(DAYS, MONDAY + 7 * HOUR, 4 * HOUR) == MONDAY + 13 * HOUR
    assert staffed_until(DAYS, MONDAY + 16 * HOUR, 4 * HOUR) == MONDAY + 36 * HOUR
    assert staffed_until(DAYS, MONDAY + 20 * HOUR, 4 * HOUR) == MONDAY + 37 * HOUR


def test_without_hours_every_hour_counts() -> None:
    assert staffed_until((), MONDAY, 4 * HOUR) == MONDAY + 4 * HOUR


def test_shifts_that_touch_or_overlap_are_one() -> None:
    assert joined([shift(13, 17), shift(9, 13), shift(12, 14)]) == (shift(9, 17),)
    assert joined([shift(33, 41), shift(9, 17)]) == DAYS


@given(
    st.lists(st.tuples(st.integers(0, 160), st.integers(1, 12)), max_size=12),
    st.integers(0, 160),
    st.integers(1, 8),
)
def test_what_is_promised_is_never_less_than_the_time_given(
    starts: list[tuple[int, int]], at: int, within: int
) -> None:
    shifts = joined(shift(start, start + length) for start, length in starts)
    came = MONDAY + at * HOUR
    until = staffed_until(shifts, came, within * HOUR)
    counted = sum((max(min(end, until) - max(start, came), timedelta()) for start, end in shifts), timedelta())
    assert until - came >= within * HOUR
    assert counted <= within * HOUR
    if shifts and until <= shifts[-1][1]:
        assert counted == within * HOUR
