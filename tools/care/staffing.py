"""When people look: the hours a campus has written down, in its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.logs import get_logger
from safety.hours import Shift, joined

log = get_logger("care.staffing")


@dataclass(frozen=True, slots=True)
class Staffing:
    """Whether somebody answers now, and when somebody next does."""

    now: bool
    next_at: datetime | None
    shifts: tuple[Shift, ...] = ()
    """The counselors' shift that runs and those of the next week, in order; none where no hours are written down."""


def staffing(settings: dict[str, Any], time_zone: str, moment: datetime) -> Staffing:
    """Read a campus's staffing at a moment.

    A contracted 24/7 line answers at every hour, and so does a campus that is staffed `always`; one that says of itself
    that it is unstaffed has nobody but in its shifts, whatever else is written down.
    `settings["staffing"]` is `"always"` or a list of `{"days": [0..6], "from": "HH:MM", "to": "HH:MM"}`,
    Monday being 0; a shift whose end is not after its beginning ends on the next day. Nothing written means nobody: the
    student is never told of people who may not be there.
    """
    try:
        shifts = _shifts(settings.get("staffing"), ZoneInfo(time_zone), moment)
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError) as error:
        # A rule that cannot be read must not stop a message on its way: it promises nobody.
        log.error("staffing_unreadable", error=type(error).__name__)
        shifts = ()
    if not is_unstaffed(settings) and (settings.get("staffing") == "always" or has_line(settings)):
        return Staffing(True, None, shifts)
    now = bool(shifts) and shifts[0][0] <= moment
    return Staffing(now, shifts[0][0] if shifts and not now else None, shifts)


def _shifts(rule: Any, zone: ZoneInfo, moment: datetime) -> tuple[Shift, ...]:
    if not isinstance(rule, list):
        return ()
    local = moment.astimezone(zone)
    found: list[Shift] = []
    for day_ahead in range(-1, 8):  # Yesterday's night shift may still be there.
        date = (local + timedelta(days=day_ahead)).date()
        for shift in rule:
            if date.weekday() not in shift["days"]:
                continue
            start = datetime.combine(date, time.fromisoformat(shift["from"]), zone)
            until = time.fromisoformat(shift["to"])
            end = datetime.combine(date + timedelta(days=until <= start.time()), until, zone)
            if end > local:
                # In UTC, for the clock of a zone leaps twice a year.
                found.append((start.astimezone(UTC), end.astimezone(UTC)))
    return joined(found)


def has_line(settings: dict[str, Any]) -> bool:
    """Whether a staffed 24/7 line is under contract: `settings["line_24_7"]` holds `email`, `phone` or both."""
    line = settings.get("line_24_7")
    return isinstance(line, dict) and bool(line.get("email") or line.get("phone"))


def is_unstaffed(settings: dict[str, Any]) -> bool:
    """Whether the campus chose the unstaffed mode: `settings["responder"]` is `"unstaffed"`."""
    return settings.get("responder") == "unstaffed"


def responder_problem(settings: dict[str, Any]) -> str | None:
    """Return why a campus may not go live, or None: somebody answers around the clock, or it says plainly that not."""
    if has_line(settings) or is_unstaffed(settings) or settings.get("staffing") == "always":
        return None
    return (
        "nobody answers around the clock. Contract a staffed line (`line_24_7`), staff it yourselves (`staffing`:"
        " `always`), or choose the unstaffed mode (`responder`: `unstaffed`), in which students are told when somebody looks"
    )
