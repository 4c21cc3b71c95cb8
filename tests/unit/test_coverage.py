"""Holes in the on-call schedule, and duties repeated at the same hours of the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tools.care.coverage import Span, gaps, weekly

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span(begins: int, ends: int) -> Span:
    return Span(START + begins * HOUR, START + ends * HOUR)


def holes(*duties: tuple[int, int], until: int = 24) -> list[tuple[int, int]]:
    found = gaps([span(*duty) for duty in duties], since=START, until=START + until * HOUR)
    return [((hole.starts_at - START) // HOUR, (hole.ends_at - START) // HOUR) for hole in found]


def test_holes_before_between_and_after() -> None:
    assert holes() == [(0, 24)]
    assert holes((0, 24)) == []
    assert holes((8, 12), (16, 20)) == [(0, 8), (12, 16), (20, 24)]
    assert holes((16, 20), (8, 17)) == [(0, 8), (20, 24)]
    assert holes((-5, 3), (30, 40)) == [(3, 24)]
    assert holes((2, 22), (3, 4)) == [(0, 2), (22, 24)]


@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 12)), max_size=8))
def test_every_hour_is_either_covered_or_in_a_hole(duties: list[tuple[int, int]]) -> None:
    spans = [(begins, begins + length) for begins, length in duties]
    found = holes(*spans)
    for hour in range(24):
        covered = any(begins <= hour < ends for begins, ends in spans)
        in_hole = any(begins <= hour < ends for begins, ends in found)
        assert covered != in_hole


def test_a_duty_keeps_its_hours_when_the_clocks_change() -> None:
    denver = ZoneInfo("America/Denver")
    friday = datetime(2026, 3, 6, 22, tzinfo=denver)
    repeated = weekly(friday, friday + 10 * HOUR, 2, denver)
    assert [entry.starts_at.hour for entry in repeated] == [22, 22, 22]
    assert [entry.ends_at.hour for entry in repeated] == [8, 8, 8]
    assert {entry.starts_at.utcoffset() for entry in repeated} == {timedelta(hours=-7), timedelta(hours=-6)}
