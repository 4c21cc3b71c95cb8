"""A student's quiet hours: nothing goes out by itself in them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from db.access import Tx
from tools.people.companion import QUIET_FROM, QUIET_TO
from tools.people.people import require_student

Quiet = tuple[time, time]


async def quiet_hours(tx: Tx) -> Quiet:
    """Return the quiet hours of the student whose rows are open, in their own time."""
    cursor = await tx.conn.execute(
        "select quiet_from, quiet_to from companion_settings where student_id = %s", (require_student(tx),)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (QUIET_FROM, QUIET_TO)


def quiet_until(moment: datetime, quiet: Quiet, zone: ZoneInfo) -> datetime | None:
    """Return the end of the quiet hours that a moment lies in; None outside them. Equal ends mean no quiet hours."""
    begins, ends = quiet
    local = moment.astimezone(zone)
    clock = local.time()
    inside = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    if not inside:
        return None
    day = local.date() if clock < ends else local.date() + timedelta(days=1)
    return datetime.combine(day, ends, zone).astimezone(moment.tzinfo)
