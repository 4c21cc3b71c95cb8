"""The console as a channel: a notice is sent when the open page showed its case to somebody on duty, and not before.

The page says so itself, once the case is on a screen that somebody looks at; the server only believes it of a person who
is signed in, may see the case and is on duty at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.ids import CaseId, new_id
from db.access import Tx
from tools.care.staffing import staffing
from tools.people.people import require_staff

SCHEDULED = """
select exists (select from on_call where account_id = %(me)s and starts_at <= %(at)s and ends_at > %(at)s),
       exists (select from on_call where starts_at <= %(at)s and ends_at > %(at)s)
"""
SHOW = """
update deliveries d set state = 'sent', sent_at = %(at)s, attempts = attempts + 1
from cases c
where c.id = d.case_id and d.case_id = any(%(cases)s) and d.channel = 'console' and d.state = 'committed'
  and (d.recipient_id is null or d.recipient_id = %(me)s)
returning d.id, d.student_id, d.attempts
"""


async def on_duty(tx: Tx, *, at: datetime) -> bool:
    """Whether the acting member of staff is on duty.

    Where the schedule names somebody for this moment, those it names; else everybody, within the hours that the campus
    wrote down. A campus that says that nobody is there has nobody on duty.
    """
    cursor = await tx.conn.execute(SCHEDULED, {"me": require_staff(tx), "at": at})
    mine, anybody = await cursor.fetchone() or (False, False)
    if anybody:
        return bool(mine)
    cursor = await tx.conn.execute(
        "select settings, time_zone from institutions where id = %s", (tx.who.institution_id,)
    )
    row = await cursor.fetchone()
    return row is not None and staffing(row[0], row[1], at).now


async def mark_shown(tx: Tx, cases: Sequence[CaseId], *, at: datetime) -> int:
    """Store that the live console showed these cases to the acting member of staff; returns how many notices that sent.

    Cases that they may not see, and all while they are not on duty, are left as they are.
    """
    me = require_staff(tx)
    if not cases or not await on_duty(tx, at=at):
        return 0
    cursor = await tx.conn.execute(SHOW, {"at": at, "cases": list(cases), "me": me})
    sent = await cursor.fetchall()
    for delivery, student, number in sent:
        await tx.conn.execute(
            "insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted, at)"
            " values (%s, %s, %s, %s, %s, %s, true, %s)",
            (new_id(), delivery, tx.who.institution_id, student, f"account:{me}", number, at),
        )
    return len(sent)
