"""Making an account: its row, key and profile, all or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from email_validator import EmailNotValidError, validate_email

from core.crypto import KeyRing, SubjectKey, blind_index
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import AccountId, InstitutionId, new_id
from db.access import Acting, Connection, Database, Role
from tools.people.keys import create_key
from tools.people.passwords import hash_password
from tools.people.tokens import acting_for

AgeBand = Literal["under_16", "16_17", "18_24", "25_plus"]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person gives to register."""

    email: str
    password: str
    name: str
    age_band: AgeBand | None = None
    region: str | None = None
    time_zone: str = "UTC"
    language: str = "en"
    pronouns: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A registration that may be stored."""

    institution: InstitutionId
    email: str
    password_hash: str
    account: NewAccount


async def check(db: Database, campus: str | None, account: NewAccount) -> Checked:
    """Check a registration without looking whether the address is known; raises `InvalidInput`, `NotFound`."""
    email = valid_email(account.email)
    if account.age_band is not None and account.age_band not in get_args(AgeBand):
        raise InvalidInput("Choose one of the age bands.")
    if not account.name.strip():
        raise InvalidInput("Tell us what to call you.")
    require_zone(account.time_zone)
    password_hash = await hash_password(account.password)
    async with db.connection() as conn:
        return Checked(await _institution(conn, campus), email, password_hash, account)


async def store(
    conn: Connection, keys: KeyRing, index_key: bytes, checked: Checked, role: Role, *, confirmed: bool
) -> Acting:
    """Store a new account, `pending` until its address is confirmed; raises `Conflict` when the address has one."""
    account_id = AccountId(new_id())
    try:
        async with conn.transaction():
            key = await create_key(conn, keys, checked.institution, account_id)
            await conn.execute(
                "insert into accounts (id, institution_id, email_index, email_sealed, password_hash, role, status)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (
                    account_id, checked.institution, blind_index(index_key, checked.email),
                    key.seal(checked.email, f"accounts.email:{account_id}"), checked.password_hash, role,
                    "active" if confirmed else "pending",
                ),
            )  # fmt: skip
            await conn.execute(
                "insert into profiles (account_id, institution_id, name_sealed) values (%s, %s, %s)",
                (account_id, checked.institution, b""),
            )
            await _write_profile(conn, key, account_id, checked.account)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("There is an account with this e-mail already. Sign in instead.") from error
    return acting_for(checked.institution, account_id, role)


async def replace_pending(conn: Connection, keys: KeyRing, index_key: bytes, checked: Checked) -> Acting | None:
    """Let the newest registration of an unconfirmed address count: who confirms it wants their own password in it.

    None when the address belongs to an account that is confirmed.
    """
    cursor = await conn.execute(
        "select a.id, k.wrapped from accounts a join data_keys k on k.subject_id = a.id where a.institution_id = %s"
        " and a.email_index = %s and a.status = 'pending' for update of a",
        (checked.institution, blind_index(index_key, checked.email)),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    account_id = AccountId(row[0])
    await conn.execute("update accounts set password_hash = %s where id = %s", (checked.password_hash, account_id))
    await _write_profile(conn, keys.unwrap(row[1], str(account_id)), account_id, checked.account)
    return acting_for(checked.institution, account_id, Role.STUDENT)


def valid_email(text: str) -> str:
    """Return the address in one form; raises `InvalidInput`."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise InvalidInput("That does not look like an e-mail address.") from error


def require_zone(name: str) -> None:
    """Raise `InvalidInput` unless this is a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput("Choose a time zone such as America/Denver.") from error


async def _write_profile(conn: Connection, key: SubjectKey, account_id: AccountId, account: NewAccount) -> None:
    await conn.execute(
        "update profiles set name_sealed = %s, pronouns = %s, age_band = %s, region = %s, time_zone = %s, language = %s"
        " where account_id = %s",
        (
            key.seal(account.name.strip(), f"profiles.name:{account_id}"), account.pronouns, account.age_band,
            account.region, account.time_zone, account.language, account_id,
        ),
    )  # fmt: skip


async def _institution(conn: Connection, slug: str | None) -> InstitutionId:
    cursor = await conn.execute(
        "select id from institutions where %s::text is null or slug = %s order by created_at limit 2", (slug, slug)
    )
    rows = await cursor.fetchall()
    if not rows:
        raise NotFound("There is no such campus here.")
    if len(rows) > 1:
        raise InvalidInput("Several campuses are served here: say which one in `campus`.")
    return InstitutionId(rows[0][0])
