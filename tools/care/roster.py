"""Who is called on a rung: the on-call schedule first, then what the campus wrote down, never anybody's parents.

A confidential case is told to confidential staff only, and to the contracted line, which is bound like them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core.crypto import Unreadable
from core.errors import NotFound
from db.access import Tx
from safety.policy import Rung
from tools.care.channels import Recipient
from tools.care.staffing import has_line
from tools.people.keys import subject_key

ON_DUTY = """
select a.id, a.email_sealed, s.phone_sealed from on_call o
join accounts a on a.id = o.account_id and a.status = 'active' and a.role in ('counselor', 'supervisor')
left join staff s on s.account_id = a.id
where o.rung = %(rung)s and o.starts_at <= %(at)s and o.ends_at > %(at)s
  and (not %(confidential)s or coalesce(s.confidential, false))
order by o.starts_at
"""
BY_ROLE = """
select a.id, a.email_sealed, s.phone_sealed from accounts a left join staff s on s.account_id = a.id
where a.status = 'active' and not a.synthetic and a.role in ('counselor', 'supervisor')
  and (%(role)s::text is null or a.role = %(role)s) and (not %(confidential)s or coalesce(s.confidential, false))
order by a.created_at
"""
ONE = """
select a.id, a.email_sealed, s.phone_sealed from accounts a left join staff s on s.account_id = a.id
where a.id = %(account)s and a.status = 'active' and (not %(confidential)s or coalesce(s.confidential, false))
"""


async def recipients(
    tx: Tx, rung: str, *, at: datetime, confidential: bool = False, account: UUID | None = None
) -> list[Recipient]:
    """Return whom a rung reaches at a moment; empty when there is nobody, which is recorded as such."""
    if account is not None:
        return await _people(tx, ONE, account=account, confidential=confidential)
    campus = await campus_settings(tx)
    if rung == Rung.LINE_24_7:
        return _line(campus)
    found = await _people(tx, ON_DUTY, rung=rung, at=at, confidential=confidential)
    if found:
        return found
    if rung == Rung.SUPERVISOR:
        found = await _people(tx, BY_ROLE, role="supervisor", confidential=confidential)
    elif confidential:
        found = await _people(tx, BY_ROLE, role=None, confidential=True)
    if found:
        return found
    address = campus.get("confidential_email" if confidential else "escalation_email")
    return (
        [Recipient("campus", email=address, phone=None if confidential else campus.get("escalation_phone"))]
        if (address)
        else []
    )


async def _people(tx: Tx, statement: str, **values: Any) -> list[Recipient]:
    cursor = await tx.conn.execute(statement, values)
    return [await _recipient(tx, *row) for row in await cursor.fetchall()]


async def _recipient(tx: Tx, account: UUID, email: bytes, phone: bytes | None) -> Recipient:
    label = f"account:{account}"
    try:
        key = await subject_key(tx, account)
        return Recipient(
            label,
            email=key.open(email, f"accounts.email:{account}"),
            phone=key.open(phone, f"staff.phone:{account}") if phone else None,
        )
    except (NotFound, Unreadable):
        return Recipient(label)


async def campus_settings(tx: Tx) -> dict[str, Any]:
    """Return what the acting person's institution has written down."""
    cursor = await tx.conn.execute("select settings from institutions where id = %s", (tx.who.institution_id,))
    row = await cursor.fetchone()
    return row[0] if row else {}


def _line(campus: dict[str, Any]) -> list[Recipient]:
    """The contracted 24/7 line."""
    if not has_line(campus):
        return []
    line = campus["line_24_7"]
    return [Recipient("line_24_7", email=line.get("email"), phone=line.get("phone"))]
