"""Where the on-call schedule has holes, and the same duty for weeks ahead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to another."""

    starts_at: datetime
    ends_at: datetime


def gaps(duties: Iterable[Span], *, since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the spans in which nobody is on duty, oldest first."""
    found: list[Span] = []
    covered = since
    for duty in sorted(duties, key=lambda one: one.starts_at):
        if duty.ends_at <= covered:
            continue
        if duty.starts_at >= until:
            break
        if duty.starts_at > covered:
            found.append(Span(covered, duty.starts_at))
        covered = duty.ends_at
    if covered < until:
        found.append(Span(covered, until))
    return tuple(found)


def weekly(starts_at: datetime, ends_at: datetime, weeks: int, zone: ZoneInfo) -> Sequence[Span]:
    """Return a duty and the same one in the weeks after, at the same hours of the wall clock."""
    local_start, local_end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (starts_at, ends_at))
    return [
        Span(
            (local_start + timedelta(weeks=week)).replace(tzinfo=zone),
            (local_end + timedelta(weeks=week)).replace(tzinfo=zone),
        )
        for week in range(weeks + 1)
    ]
