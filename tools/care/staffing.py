"""When people look: the hours a campus has written down, in its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Staffing:
    """Whether somebody answers now, and when somebody next does."""

    now: bool
    next_at: datetime | None


def staffing(settings: dict[str, Any], time_zone: str, moment: datetime) -> Staffing:
    """Read a campus's staffing at a moment.

    `settings["staffing"]` is `"always"` or a list of `{"days": [0..6], "from": "HH:MM", "to": "HH:MM"}`,
    Monday being 0. Nothing written means nobody: the student is never told of people who may not be there.
    """
    rule = settings.get("staffing")
    if rule == "always":
        return Staffing(True, None)
    if not isinstance(rule, list):
        return Staffing(False, None)
    zone = ZoneInfo(time_zone)
    local = moment.astimezone(zone)
    starts: list[datetime] = []
    for day_ahead in range(8):
        date = (local + timedelta(days=day_ahead)).date()
        for shift in rule:
            if date.weekday() not in shift["days"]:
                continue
            start = datetime.combine(date, time.fromisoformat(shift["from"]), zone)
            end = datetime.combine(date, time.fromisoformat(shift["to"]), zone)
            if start <= local < end:
                return Staffing(True, None)
            if start > local:
                starts.append(start)
    return Staffing(False, min(starts, default=None))
