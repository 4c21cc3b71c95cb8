"""Moments in the words of a page: always in the reader's zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from safety.triage.words import clock_time


def zone_of(name: str) -> ZoneInfo:
    """The zone by its IANA name, or UTC where the name is unknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock(moment: datetime, zone: str) -> str:
    """`2:14`, as the status of a case shows it."""
    return clock_time(moment, zone)


def day(moment: datetime, zone: str, now: datetime) -> str:
    """`Today`, `Yesterday`, `Tuesday`, `Nov 3`, `Nov 3, 2025`."""
    local, today = moment.astimezone(zone_of(zone)).date(), now.astimezone(zone_of(zone)).date()
    days = (today - local).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if days < 7:
        return f"{local:%A}"
    text = f"{local:%b} {local.day}"
    return text if local.year == today.year else f"{text}, {local.year}"


def ahead(value: datetime, zone: str, now: datetime) -> str:
    """A moment that may lie ahead: `today 14:30`, `tomorrow 9:00`, `Tuesday 9:00`, `Dec 3 9:00`."""
    local, today = value.astimezone(zone_of(zone)).date(), now.astimezone(zone_of(zone)).date()
    days = (local - today).days
    if days < 0:
        return moment(value, zone, now)
    name = ("today", "tomorrow")[days] if days < 2 else f"{local:%A}" if days < 7 else f"{local:%b} {local.day}"
    return f"{name} {clock(value, zone)}"


def moment(value: datetime, zone: str, now: datetime) -> str:
    """Day and clock; the clock alone for today."""
    when, hour = day(value, zone, now), clock(value, zone)
    return hour if when == "Today" else f"{when} {hour}"


def iso(value: datetime) -> str:
    """For the `datetime` attribute."""
    return value.isoformat(timespec="seconds")


def span(length: timedelta) -> str:
    """A length of time in its largest unit: `under a minute`, `4 min`, `3 h`, `2 days`."""
    minutes = int(abs(length).total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
