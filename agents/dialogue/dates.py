"""Dates and times as students write them, read in their own time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dateparser

END_OF_DAY = time(23, 59)
"""When a day is named without a time, work is due by its last minute, as in most course systems."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = (
    r"mon(?:day)?|tue(?:s(?:day)?)?|wednesday|thu(?:rs?(?:day)?)?|fri(?:day)?|saturday|sunday"
    # These three are words of their own and count only where a day can stand.
    r"|(?:(?<=by )|(?<=on )|(?<=this )|(?<=next )|(?<=due )|(?<=until )|(?<=coming ))(?:wed|sat|sun)"
    r"|(?:wed|sat|sun)(?=\s+(?:at|by|@|noon|midnight|\d))"
)
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_NUMBER = r"\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten"
_CLOCK = (
    r"(?:at\s+|by\s+|@\s*)?(?:\d{1,2}(?::\d{2})?\s*(?:am|pm|a\.m\.|p\.m\.)|\d{1,2}:\d{2}|noon|midnight)"
    r"|(?:at\s+|@\s*)\d{1,2}\b"
)
_DAY = (
    rf"(?:(?P<which>this|next|coming)\s+)?(?P<weekday>{_WEEKDAY})\b"
    r"|day after tomorrow|today|tonight|(?:tomorrow|tmrw|tmr|tmw)(?:\s+(?:night|morning|evening|afternoon))?|eod"
    r"|end of (?:the )?(?:day|week)"
    rf"|in\s+(?:{_NUMBER})\s+(?:minutes?|mins?|hours?|hrs?|days?|weeks?)"
    r"|\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:[+-]\d{2}:?\d{2}|Z)?)?"
    rf"|(?:{_MONTH})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTH})\b\.?(?:,?\s+\d{{4}})?"
    r"|\d{1,2}/\d{1,2}(?:/\d{2,4})?"
)
_WHEN = re.compile(
    rf"(?:\b(?:by|on|due|until|before|for)\s+)?(?:the\s+)?(?:(?P<clock_first>{_CLOCK})\s+(?:on\s+)?)?\b(?P<day>{_DAY})"
    rf"(?:,?\s+(?P<clock>{_CLOCK}))?",
    re.IGNORECASE,
)
_ONLY_CLOCK = re.compile(rf"(?:\b(?:by|due|until|before|for)\s+)?\b(?P<clock>{_CLOCK})", re.IGNORECASE)
_PARTS_OF_DAY = {"morning": time(9), "afternoon": time(15), "evening": time(20), "night": END_OF_DAY}


def parse_when(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read one moment from `text` ('friday 5pm', 'tomorrow', 'dec 5'), relative to `now`; returns UTC or None."""
    found = find_when(text, now, zone)
    return found[0] if found else None


def find_when(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, tuple[int, int]] | None:
    """Find the first moment in a message; returns it in UTC with the span of its words, or None."""
    local = now.astimezone(zone)
    match = _WHEN.search(text)
    if match:
        moment = _moment(match, local)
    else:
        match = _ONLY_CLOCK.search(text)
        moment = _next(_clock(match["clock"]), local) if match else None
    if match is None or moment is None:
        return None
    return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC), match.span()


def _moment(match: re.Match[str], local: datetime) -> datetime | None:
    """The naive local moment of a match, or an aware one where the text named its own offset."""
    day, clock = match["day"].lower(), match["clock"] or match["clock_first"]
    at = _clock(clock) if clock else None
    if match["weekday"]:
        return _weekday(match["weekday"], (match["which"] or "").lower(), at, local)
    if day in ("today", "tonight", "eod", "end of day", "end of the day"):
        return datetime.combine(local.date(), at or END_OF_DAY)
    if day.startswith("end of"):
        return datetime.combine(local.date() + timedelta(days=6 - local.weekday()), at or END_OF_DAY)
    if day == "day after tomorrow":
        return datetime.combine(local.date() + timedelta(days=2), at or END_OF_DAY)
    if day.startswith(("tomorrow", "tm")):
        part = _PARTS_OF_DAY.get(day.partition(" ")[2].strip(), END_OF_DAY)
        return datetime.combine(local.date() + timedelta(days=1), at or part)
    parsed = _by_library(day, local)
    if parsed is None or re.search(r"minute|min|hour|hr|t\d{2}:", day):
        return parsed
    return datetime.combine(parsed.date(), at or END_OF_DAY)


def _by_library(words: str, local: datetime) -> datetime | None:
    return dateparser.parse(
        words,
        languages=["en"],
        settings={
            "RELATIVE_BASE": local.replace(tzinfo=None),
            "PREFER_DATES_FROM": "future",
            "DATE_ORDER": "MDY",
        },
    )


def _weekday(name: str, which: str, at: time | None, local: datetime) -> datetime:
    """'Friday' is the coming one, today included while its time is ahead; 'next Friday' lies in the next week."""
    wanted = next(i for i, day in enumerate(_WEEKDAYS) if day.startswith(name.lower()[:3]))
    if which == "next":
        days = 7 - local.weekday() + wanted
    else:
        days = (wanted - local.weekday()) % 7
        if days == 0 and at is not None and at <= local.time():
            days = 7
    return datetime.combine(local.date() + timedelta(days=days), at or END_OF_DAY)


def _clock(words: str) -> time:
    text = re.sub(r"^(?:at|by|@)\s*", "", words.strip().lower()).replace(".", "")
    if text == "noon":
        return time(12)
    if text == "midnight":
        return END_OF_DAY
    match = re.match(r"(\d{1,2})(?::(\d{2}))?\s*(am|pm)?", text)
    if match is None:
        return END_OF_DAY
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif match[2] is None and 1 <= hour <= 7:
        hour += 12  # 'at 5' is the afternoon for work that is due
    return time(min(hour, 23), min(minute, 59))


def _next(at: time, local: datetime) -> datetime:
    days = 0 if at > local.time() else 1
    return datetime.combine(local.date() + timedelta(days=days), at)
