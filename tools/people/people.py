"""Who a person is: profile and contact facts, and the guard that a student's rows are open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import NotAllowed, NotFound
from core.ids import AccountId, StudentId
from db.access import Role, Tx
from tools.people.keys import subject_key

MINORS = ("under_16", "16_17")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person told about themself."""

    account_id: AccountId
    name: str
    pronouns: str | None
    age_band: str | None
    region: str | None
    time_zone: str
    language: str

    @property
    def minor(self) -> bool:
        """Whether the person said that they are under 18."""
        return self.age_band in MINORS


def require_student(tx: Tx) -> StudentId:
    """Return the student whose rows are open; raises `NotAllowed` when nobody's are."""
    if tx.who.student_id is None:
        raise NotAllowed
    return tx.who.student_id


def require_staff(tx: Tx) -> AccountId:
    """Return the acting counselor or supervisor; raises `NotAllowed` for anybody else."""
    if tx.who.role not in (Role.COUNSELOR, Role.SUPERVISOR):
        raise NotAllowed
    return tx.who.account_id


async def read_profile(tx: Tx, account: UUID) -> Profile:
    """Read a profile that the acting person may see; raises `NotFound`."""
    cursor = await tx.conn.execute(
        "select name_sealed, pronouns, age_band, region, time_zone, language from profiles where account_id = %s",
        (account,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    key = await subject_key(tx, account)
    return Profile(AccountId(account), key.open(row[0], f"profiles.name:{account}"), *row[1:])


async def own_zone(tx: Tx) -> ZoneInfo:
    """Return the time zone of the student whose rows are open; UTC where the profile names one that does not exist."""
    cursor = await tx.conn.execute("select time_zone from profiles where account_id = %s", (require_student(tx),))
    row = await cursor.fetchone()
    try:
        return ZoneInfo(row[0] if row else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


async def set_language(tx: Tx, language: str, *, at: datetime) -> None:
    """Let the acting student be spoken to in a language, as far as the service has it."""
    await tx.conn.execute(
        "update profiles set language = %s, updated_at = %s where account_id = %s and language <> %s",
        (language, at, require_student(tx), language),
    )


async def campus_region(tx: Tx) -> str | None:
    """Return the region of the acting person's campus, whose law applies."""
    cursor = await tx.conn.execute("select region from institutions where id = %s", (tx.who.institution_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row and row[0] else None
