"""Alarms for the operator: stored, told once while they stand, cleared when the part works again."""

from __future__ import annotations

from typing import Any, Protocol

from psycopg.types.json import Jsonb

from core.clock import Clock
from core.ids import InstitutionId, new_id
from core.logs import get_logger
from db.access import Database
from tools.care.channels import NotSent
from tools.care.operator import Operator

log = get_logger("care.alarm")


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
        cursor = await conn.execute(
            "insert into alarms (id, institution_id, kind, facts, raised_at) values (%s, %s, %s, %s, %s)"
            " on conflict (kind, coalesce(institution_id, '00000000-0000-0000-0000-000000000000'))"
            " where cleared_at is null do nothing",
            (new_id(), institution, kind, Jsonb(facts), desk.clock.now()),
        )
    if cursor.rowcount == 0:
        return False
    log.error("alarm", state=kind, institution=str(institution))
    await tell_operator(desk)
    return True


async def standing_facts(desk: AlarmDesk, kind: str, institution: InstitutionId | None) -> dict[str, Any] | None:
    """Return what a standing alarm says; None when none of the kind stands."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "select facts from alarms where kind = %s and institution_id is not distinct from %s and cleared_at is null",
            (kind, institution),
        )
        row = await cursor.fetchone()
    return row[0] if row else None


async def clear_alarm(desk: AlarmDesk, kind: str, institution: InstitutionId | None) -> bool:
    """Mark an alarm as over, so that the next of its kind is told again; returns whether one stood."""
    async with desk.db.connection() as conn:
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
