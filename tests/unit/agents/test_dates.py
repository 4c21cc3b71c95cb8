"""Dates as students write them, across time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agents.dialogue.dates import find_when, parse_when

NOW = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
"""A Thursday: 08:00 in Denver, 20:30 in Kolkata, 04:00 on Friday in Auckland."""
DENVER, KOLKATA, AUCKLAND = ZoneInfo("America/Denver"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Auckland")


def local(text: str, zone: ZoneInfo, now: datetime = NOW) -> str | None:
    moment = parse_when(text, now, zone)
    return None if moment is None else moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("friday 5pm", "Fri 2026-11-20 17:00"),
        ("my essay is due friday", "Fri 2026-11-20 23:59"),
        ("by 11pm on thursday", "Thu 2026-11-19 23:00"),
        ("thursday 7am", "Thu 2026-11-26 07:00"),
        ("next friday", "Fri 2026-11-27 23:59"),
        ("this sunday at noon", "Sun 2026-11-22 12:00"),
        ("tomorrow", "Fri 2026-11-20 23:59"),
        ("tmrw morning", "Fri 2026-11-20 09:00"),
        ("tomorrow at 5", "Fri 2026-11-20 17:00"),
        ("tonight", "Thu 2026-11-19 23:59"),
        ("day after tomorrow", "Sat 2026-11-21 23:59"),
        ("in 3 days", "Sun 2026-11-22 23:59"),
        ("in two hours", "Thu 2026-11-19 10:00"),
        ("end of the week", "Sun 2026-11-22 23:59"),
        ("dec 5", "Sat 2026-12-05 23:59"),
        ("5 december at 3pm", "Sat 2026-12-05 15:00"),
        ("the 5th of march", "Fri 2027-03-05 23:59"),
        ("12/5", "Sat 2026-12-05 23:59"),
        ("jan 3", "Sun 2027-01-03 23:59"),
        ("at 5pm", "Thu 2026-11-19 17:00"),
        ("at 6am", "Fri 2026-11-20 06:00"),
        ("2026-12-01", "Tue 2026-12-01 23:59"),
        ("2026-12-01T17:00", "Tue 2026-12-01 17:00"),
        ("2026-12-01T17:00Z", "Tue 2026-12-01 10:00"),
        ("midnight friday", "Fri 2026-11-20 23:59"),
    ],
)
def test_reads_a_moment_in_the_students_zone(text: str, expected: str) -> None:
    assert local(text, DENVER) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [(DENVER, "Fri 2026-11-20 23:59"), (KOLKATA, "Fri 2026-11-20 23:59"), (AUCKLAND, "Sat 2026-11-21 23:59")],
)
def test_tomorrow_is_the_students_tomorrow(zone: ZoneInfo, expected: str) -> None:
    assert local("tomorrow", zone) == expected


def test_a_day_keeps_its_clock_over_the_change_to_summer_time() -> None:
    before = datetime(2027, 3, 12, 20, 0, tzinfo=UTC)
    assert local("sunday 5pm", DENVER, before) == "Sun 2027-03-14 17:00"


@pytest.mark.parametrize(
    "text",
    ["i may have 2 things", "sat down and read", "marching on", "someday", "i have 3 exams", "", "the sun is out"],
)
def test_finds_no_date_where_there_is_none(text: str) -> None:
    assert parse_when(text, NOW, DENVER) is None


def test_names_the_words_of_the_date() -> None:
    text = "read chapter 4 by friday 5pm please"
    found = find_when(text, NOW, DENVER)
    assert found is not None
    assert text[found[1][0] : found[1][1]] == "by friday 5pm"
