"""Moments in the student's own zone; never in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from db.access import Tx
from tools.people.people import require_student

NOWHERE = frozenset({"UTC", "Etc/UTC", "Etc/GMT", "GMT", "Etc/Universal", "Zulu"})
"""What a profile says when nobody chose a zone."""


def first_zone(names: Iterable[str | None]) -> ZoneInfo:
    """The first name that is a place's zone; UTC only when there is none at all."""
    for name in names:
        if name and name not in NOWHERE:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue  # Canvas may hold a zone by a name of its own; the next best is better than a wrong one.
    return ZoneInfo("UTC")


async def zone_of_student(tx: Tx, canvas_zone: str | None) -> ZoneInfo:
    """The zone of the student: as Canvas has it, else of the own profile, else of the campus."""
    cursor = await tx.conn.execute(
        "select p.time_zone, i.time_zone from institutions i left join profiles p on p.account_id = %s where i.id = %s",
        (require_student(tx), tx.who.institution_id),
    )
    row = await cursor.fetchone()
    return first_zone([canvas_zone, *(row or ())])


def local_text(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`today at 23:59`, `Monday 28 September at 23:59`, with the year when it is another."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days)
    year = "" if local.year == today.year else f" {local.year}"
    return f"{near or f'{local:%A} {local.day} {local:%B}{year}'} at {local:%H:%M}"
