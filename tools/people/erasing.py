"""Deleting a student: rows and key are destroyed. An open case holds it up; a backup made before holds both."""

from __future__ import annotations

from datetime import datetime

from db.access import Tx
from tools.people.people import require_student


async def erase(tx: Tx, *, at: datetime) -> bool:
    """Erase the acting student; False when a case is open: then it happens when the last one closes.

    Either way every session ends. What stays of closed cases are counts without a person. Raises `NotAllowed`.
    """
    require_student(tx)
    row = await (await tx.conn.execute("select erase_me(%s)", (at,))).fetchone()
    return bool(row and row[0])
