"""Hours in which somebody is there, and until when work that counts only those is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

Shift = tuple[datetime, datetime]
"""From when to when somebody is there, timezone-aware."""


def joined(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Return shifts in order, those that touch or overlap as one."""
    whole: list[Shift] = []
    for start, end in sorted(shifts):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return tuple(whole)


def staffed_until(shifts: Sequence[Shift], at: datetime, within: timedelta) -> datetime:
    """Return when people who are there in `shifts` only have had `within` for something that came at a moment.

    Args:
        shifts: those to come, in order and apart; none: every hour counts.
        at: when it came, timezone-aware.
        within: how long people have, counted in hours in which somebody is there.
    """
    left, moment = within, at
    for start, end in shifts:
        moment = max(moment, start)
        if moment + left <= end:
            return moment + left
        left -= max(end - moment, timedelta())
        moment = max(moment, end)
    return moment + left
