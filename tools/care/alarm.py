"""Alarms for the operator: stored, told once while they stand, cleared when the part works again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from core.clock import Clock
from core.ids import InstitutionId, new_id
from core.logs import get_logger
from db.access import Connection, Database
from tools.care.channels import NotSent
from tools.care.operator import Operator

log = get_logger("care.alarm")
Amend = Callable[[dict[str, Any] | None], dict[str, Any] | None]
"""What a standing alarm says, None where none stands, to what it shall say; None leaves it as it is."""


class AlarmDesk(Protocol):
    """What raising an alarm needs."""

    @property
    def db(self) -> Database:
        """Login that may store alarms."""
        ...

    @property
    def clock(self) -> Clock:
        """The present moment."""
        ...

    @property
    def operator(self) -> Operator:
        """Whom alarms are told."""
        ...


async def raise_alarm(desk: AlarmDesk, kind: str, institution: InstitutionId | None, **facts: Any) -> bool:
    """Store an alarm and tell the operator, unless the same one stands already; returns whether it is new.

    An alarm that nobody could be told stands untold; `tell_operator` tries it again.
    """
    async with desk.db.connection() as conn:
        new = await _store(conn, desk, kind, institution, facts)
    return await _tell_new(desk, kind, institution, new=new)


async def amend_alarm(desk: AlarmDesk, kind: str, institution: InstitutionId | None, amend: Amend) -> bool:
    """Put an alarm that says more in the place of the standing one and tell the operator; returns whether it is new.

    One at a time reads, judges and writes, so that nothing is missing of what two find at the same moment.
    """
    async with desk.db.connection() as conn, conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"alarm {kind} {institution}",))
        facts = amend(await _standing(conn, kind, institution))
        if facts is None:
            return False
        await _clear(conn, desk, kind, institution)
        new = await _store(conn, desk, kind, institution, facts)
    return await _tell_new(desk, kind, institution, new=new)


async def standing_facts(desk: AlarmDesk, kind: str, institution: InstitutionId | None) -> dict[str, Any] | None:
    """Return what a standing alarm says; None when none of the kind stands."""
    async with desk.db.connection() as conn:
        return await _standing(conn, kind, institution)


async def clear_alarm(desk: AlarmDesk, kind: str, institution: InstitutionId | None) -> bool:
    """Mark an alarm as over, so that the next of its kind is told again; returns whether one stood."""
    async with desk.db.connection() as conn:
        return await _clear(conn, desk, kind, institution)


async def _store(
    conn: Connection, desk: AlarmDesk, kind: str, institution: InstitutionId | None, facts: dict[str, Any]
) -> bool:
    cursor = await conn.execute(
        "insert into alarms (id, institution_id, kind, facts, raised_at) values (%s, %s, %s, %s, %s)"
        " on conflict (kind, coalesce(institution_id, '00000000-0000-0000-0000-000000000000'))"
        " where cleared_at is null do nothing",
        (new_id(), institution, kind, Jsonb(facts), desk.clock.now()),
    )
    return cursor.rowcount == 1


async def _tell_new(desk: AlarmDesk, kind: str, institution: InstitutionId | None, *, new: bool) -> bool:
    if new:
        log.error("alarm", state=kind, institution=str(institution))
        await tell_operator(desk)
    return new


async def _standing(conn: Connection, kind: str, institution: InstitutionId | None) -> dict[str, Any] | None:
    cursor = await conn.execute(
        "select facts from alarms where kind = %s and institution_id is not distinct from %s and cleared_at is null",
        (kind, institution),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def _clear(conn: Connection, desk: AlarmDesk, kind: str, institution: InstitutionId | None) -> bool:
    cursor = await conn.execute(
        "update alarms set cleared_at = %s where kind = %s and institution_id is not distinct from %s"
        " and cleared_at is null",
        (desk.clock.now(), kind, institution),
    )
    return cursor.rowcount == 1


async def tell_operator(desk: AlarmDesk) -> int:
    """Tell the operator of every alarm that stands untold; returns how many were told."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "select id, institution_id, kind, facts from alarms where told_at is null and cleared_at is null limit 20"
        )
        untold = await cursor.fetchall()
    told = 0
    for alarm, institution, kind, facts in untold:
        try:
            await desk.operator.tell(alarm, institution, kind, facts)
        except NotSent as error:
            log.error("alarm_not_told", state=kind, error=error.code)
            continue
        except Exception as error:  # one alarm that cannot be put into words must not keep the others untold
            log.error("alarm_not_told", state=kind, error=type(error).__name__, exc_info=error)
            continue
        async with desk.db.connection() as conn:
            await conn.execute("update alarms set told_at = %s where id = %s", (desk.clock.now(), alarm))
        told += 1
    return told
