"""Reads what analytics need of the acting student: moods, sleep, and how much was due when."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from db.access import Tx
from tools.people.keys import student_key
from tools.people.people import require_student
from tools.wellness.analytics import MoodAnalytics, analyse
from tools.wellness.instruments.entries import entries_since
from tools.wellness.mood import mood_scores

LEAST_DUE = 5
"""With less work than this in the window there is no workload to speak of."""
DUE = """
select due_at from tasks where student_id = %(student)s and due_at >= %(since)s and due_at < %(until)s
union all
select at from canvas_mirror where student_id = %(student)s and kind = 'work' and at >= %(since)s and at < %(until)s
"""


async def mood_analytics(tx: Tx, *, days: int, now: datetime, zone: ZoneInfo) -> MoodAnalytics:
    """Describe the acting student's last `days` days."""
    since = now - timedelta(days=2 * days + 1)
    return analyse(
        await mood_scores(tx, since=since),
        days=days,
        now=now,
        zone=zone,
        sleep_hours=await _sleep_hours(tx, since.date()),
        due=await _due(tx, days, now, zone),
    )


async def _sleep_hours(tx: Tx, since: date) -> dict[date, float]:
    key = await student_key(tx)
    nights = await entries_since(tx, key, "sleep", since)
    return {night.day: float(hours) for night in nights if isinstance(hours := night.answers.get("hours"), int | float)}


async def _due(tx: Tx, days: int, now: datetime, zone: ZoneInfo) -> dict[date, int]:
    """How much is due on each day or the day after it; empty where hardly anything is."""
    asked = {
        "student": require_student(tx),
        "since": now - timedelta(days=days + 1),
        "until": now + timedelta(days=2),
    }
    cursor = await tx.conn.execute(DUE, asked)
    on_day = Counter(at.astimezone(zone).date() for (at,) in await cursor.fetchall())
    if on_day.total() < LEAST_DUE:
        return {}
    today = now.astimezone(zone).date()
    window = (today - timedelta(days=back) for back in range(days))
    return {day: on_day[day] + on_day[day + timedelta(days=1)] for day in window}
