"""The on-call schedule, and how staff are reached: supervisors plan, everybody keeps their own telephone number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.errors import InvalidInput, NotAllowed, NotFound
from core.ids import AccountId, new_id
from db.access import Role, Tx
from safety.policy import Rung
from tools.care.queue import colleague_name
from tools.people.keys import subject_key
from tools.people.people import require_staff

RUNGS = (Rung.ON_CALL, Rung.BACKUP, Rung.SUPERVISOR)
"""Rungs that people of the institution stand on; the queue and the contracted line are no people."""
E164 = re.compile(r"^\+[1-9]\d{6,14}$")


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody on call for a span of time."""

    id: UUID
    account_id: AccountId
    name: str
    rung: Rung
    starts_at: datetime
    ends_at: datetime


async def read_rota(tx: Tx, *, since: datetime) -> list[Duty]:
    """Return the duties that end after a moment, in order; for staff."""
    require_staff(tx)
    cursor = await tx.conn.execute(
        "select id, account_id, rung, starts_at, ends_at from on_call where ends_at > %s order by starts_at, rung",
        (since,),
    )
    return [
        Duty(id_, AccountId(account), await colleague_name(tx, account), Rung(rung), starts, ends)
        for id_, account, rung, starts, ends in await cursor.fetchall()
    ]


async def add_duty(tx: Tx, account: AccountId, rung: Rung, starts_at: datetime, ends_at: datetime) -> UUID:
    """Put somebody on call; raises `NotAllowed` unless a supervisor does, `InvalidInput` for whom or when."""
    _require_supervisor(tx)
    if rung not in RUNGS or starts_at >= ends_at:
        raise InvalidInput("Choose a rung of people, and a beginning before the end.")
    cursor = await tx.conn.execute(
        "select 1 from accounts where id = %s and role in ('counselor', 'supervisor') and status = 'active'"
        " and not synthetic",
        (account,),
    )
    if await cursor.fetchone() is None:
        raise InvalidInput("Choose a colleague of this institution.")
    duty = new_id()
    await tx.conn.execute(
        "insert into on_call (id, institution_id, account_id, rung, starts_at, ends_at) values (%s, %s, %s, %s, %s, %s)",
        (duty, tx.who.institution_id, account, rung, starts_at, ends_at),
    )
    return duty


async def remove_duty(tx: Tx, duty: UUID) -> None:
    """Take a duty out of the schedule; raises `NotFound`."""
    _require_supervisor(tx)
    removed = await tx.conn.execute("delete from on_call where id = %s", (duty,))
    if removed.rowcount == 0:
        raise NotFound("There is no such duty.")


async def set_phone(tx: Tx, phone: str | None, *, at: datetime) -> None:
    """Keep the acting member of staff's number for text messages, sealed under their own key; None removes it."""
    me = require_staff(tx)
    if phone is not None and not E164.match(phone):
        raise InvalidInput("Write the number with its country code, such as +15550100123.")
    key = await subject_key(tx, me)
    sealed = key.seal(phone, f"staff.phone:{me}") if phone else None
    await tx.conn.execute(
        "insert into staff (account_id, institution_id, phone_sealed, updated_at) values (%s, %s, %s, %s)"
        " on conflict (account_id) do update set phone_sealed = excluded.phone_sealed, updated_at = excluded.updated_at",
        (me, tx.who.institution_id, sealed, at),
    )


async def read_phone(tx: Tx) -> str | None:
    """Return the acting member of staff's own number; None where they gave none."""
    me = require_staff(tx)
    row = await (await tx.conn.execute("select phone_sealed from staff where account_id = %s", (me,))).fetchone()
    if row is None or row[0] is None:
        return None
    return (await subject_key(tx, me)).open(row[0], f"staff.phone:{me}")


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff, as the operator sees them."""

    id: AccountId
    name: str
    role: Role
    confidential: bool
    has_phone: bool


async def read_members(tx: Tx) -> list[Member]:
    """Return the staff of the operator's campus; raises `NotAllowed` for anybody else."""
    if tx.who.role is not Role.ADMIN:
        raise NotAllowed
    cursor = await tx.conn.execute(
        "select a.id, a.role, coalesce(s.confidential, false), s.phone_sealed is not null from accounts a"
        " left join staff s on s.account_id = a.id where a.role in ('counselor', 'supervisor') and a.status = 'active'"
        " and not a.synthetic order by a.created_at"
    )
    return [
        Member(AccountId(id_), await colleague_name(tx, id_), Role(role), confidential, phone)
        for id_, role, confidential, phone in await cursor.fetchall()
    ]


async def set_confidential(tx: Tx, account: AccountId, value: bool) -> None:
    """Say whether a member of staff is confidential; the operator's decision. Raises `NotAllowed`, `NotFound`."""
    if tx.who.role is not Role.ADMIN:
        raise NotAllowed
    cursor = await tx.conn.execute("select set_confidential(%s, %s)", (account, value))
    row = await cursor.fetchone()
    if not row or not row[0]:
        raise NotFound("There is no such member of staff.")


def _require_supervisor(tx: Tx) -> None:
    if tx.who.role is not Role.SUPERVISOR:
        raise NotAllowed("Supervisors plan the schedule.")
