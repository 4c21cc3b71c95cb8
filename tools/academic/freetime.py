"""The stretches of a local day in which a student is awake and not busy, cut into blocks with breaks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tools.academic.figures import figures
from tools.academic.study import StudyTimes

Span = tuple[datetime, datetime]
"""From, to; UTC."""
GRID = timedelta(minutes=5)


def minutes_of(span: Span) -> float:
    """The length of a span."""
    return (span[1] - span[0]).total_seconds() / 60


def day_blocks(day: date, times: StudyTimes, busy: Sequence[Span], now: datetime, zone: ZoneInfo) -> list[Span]:
    """Blocks that could be used on a day, earliest first."""
    rules = figures()["plan"]
    length, pause = timedelta(minutes=rules["block_minutes"]), timedelta(minutes=rules["break_minutes"])
    least = timedelta(minutes=rules["least_minutes"])
    found = []
    for start, end in _free(day, times, busy, now, zone):
        at = _on_grid(start)
        while at + least <= end:
            found.append((at, min(at + length, end)))
            at += length + pause
    return found


def awake(day: date, times: StudyTimes, zone: ZoneInfo) -> Span:
    """When work may be planned on a day: an hour after waking, an hour before sleep. A night may begin after midnight."""
    rules = figures()["plan"]
    night = day if times.sleep_from > times.sleep_to else day + timedelta(days=1)
    start = _moment(day, times.sleep_to, zone) + timedelta(minutes=rules["after_waking_minutes"])
    end = _moment(night, times.sleep_from, zone) - timedelta(minutes=rules["before_sleep_minutes"])
    return start, end


def _free(day: date, times: StudyTimes, busy: Sequence[Span], now: datetime, zone: ZoneInfo) -> list[Span]:
    start, end = awake(day, times, zone)
    free = [(max(start, now), end)]
    weekly = [
        (_moment(of, one.start, zone), _moment(of, one.end, zone))
        for of in (day, day + timedelta(days=1))  # A day's waking hours may end after midnight.
        for one in times.busy
        if one.weekday == of.weekday()
    ]
    for taken in sorted([*busy, *weekly]):
        free = [part for whole in free for part in _without(whole, taken)]
    return [span for span in free if span[0] < span[1]]


def _without(whole: Span, taken: Span) -> list[Span]:
    if taken[1] <= whole[0] or taken[0] >= whole[1]:
        return [whole]
    return [part for part in ((whole[0], taken[0]), (taken[1], whole[1])) if part[0] < part[1]]


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as UTC; arithmetic across a change of the clocks is only right there."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def _on_grid(moment: datetime) -> datetime:
    rest = timedelta(seconds=moment.timestamp() % GRID.total_seconds())
    return moment + (GRID - rest if rest else timedelta())
