"""One-time tokens: links in mails, and tickets between the steps of signing in. Only their hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from core.ids import AccountId, InstitutionId
from db.access import Acting, Connection, Role
from tools.people.tokens import acting_for


class Purpose(StrEnum):
    """What a token is good for; it is good for nothing else."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a name, not a secret
    CODE = "code"
    """The password was right; the second step is missing."""
    SET_UP = "set_up"
    """The second step may be set up."""


LIVES = {
    Purpose.VERIFY_EMAIL: timedelta(days=2),
    Purpose.RESET_PASSWORD: timedelta(minutes=30),
    Purpose.CODE: timedelta(minutes=10),
    Purpose.SET_UP: timedelta(minutes=15),
}


async def issue(conn: Connection, who: Acting, purpose: Purpose, *, at: datetime) -> str:
    """Make a token; earlier links for the same purpose end, as do tickets that ran out."""
    token = secrets.token_urlsafe(32)
    mailed = purpose in (Purpose.VERIFY_EMAIL, Purpose.RESET_PASSWORD)
    await conn.execute(
        "delete from one_time_tokens where account_id = %s and purpose = %s and (%s or expires_at < %s)",
        (who.account_id, purpose, mailed, at),
    )
    await conn.execute(
        "insert into one_time_tokens (token_hash, account_id, institution_id, purpose, expires_at)"
        " values (%s, %s, %s, %s, %s)",
        (_hash(token), who.account_id, who.institution_id, purpose, at + LIVES[purpose]),
    )
    return token


async def read(conn: Connection, token: str, purpose: Purpose, *, at: datetime, used: bool = False) -> Acting | None:
    """Return whose token this is while it is good, and with `used` also after its use; None otherwise."""
    cursor = await conn.execute(
        "select a.id, a.institution_id, a.role from one_time_tokens t join accounts a on a.id = t.account_id"
        " where t.token_hash = %s and t.purpose = %s and t.expires_at > %s and (t.used_at is null or %s)"
        " and a.status <> 'disabled' for update of t",
        (_hash(token), purpose, at, used),
    )
    row = await cursor.fetchone()
    return acting_for(InstitutionId(row[1]), AccountId(row[0]), Role(row[2])) if row else None


async def spend(conn: Connection, token: str, *, at: datetime) -> None:
    """Use a token up; `read` holds its row until the transaction ends, so that two cannot."""
    await conn.execute(
        "update one_time_tokens set used_at = %s where token_hash = %s and used_at is null", (at, _hash(token))
    )


async def end_tickets(conn: Connection, who: Acting) -> None:
    """End every sign-in that is under way: the password it began with is no longer good."""
    await conn.execute(
        "delete from one_time_tokens where account_id = %s and purpose in ('code', 'set_up')", (who.account_id,)
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
