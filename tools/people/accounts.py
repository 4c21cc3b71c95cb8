"""Accounts: register, sign in, refresh, sign out. Runs as the login role that sees credentials and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

import psycopg
from email_validator import EmailNotValidError, validate_email

from core.clock import Clock
from core.crypto import KeyRing, blind_index, decode_key
from core.errors import Conflict, InvalidInput, NotAuthenticated, NotFound, TooMany
from core.ids import AccountId, InstitutionId, new_id
from core.settings import Settings
from db.access import Acting, Connection, Database, Role
from tools.people.keys import create_key
from tools.people.passwords import hash_password, verify_password
from tools.people.tokens import AccessTokens, Tokens, acting_for, hash_refresh, issue_refresh

AgeBand = Literal["under_16", "16_17", "18_24", "25_plus"]
FAILURES_BEFORE_LOCK = 8
LOCK = timedelta(minutes=15)
WRONG = "That e-mail and password do not fit together."


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


class Accounts:
    """Sign-in over the auth login role's pool."""

    def __init__(self, auth: Database, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        self._db, self._keys, self._settings, self._clock = auth, keys, settings, clock
        self._index_key = decode_key(settings.index_key.get_secret_value(), "COMPANION_INDEX_KEY")
        self.access = AccessTokens(
            settings.token_private_key.get_secret_value(), clock, timedelta(minutes=settings.access_token_minutes)
        )

    async def register(self, campus: str | None, account: NewAccount, role: Role = Role.STUDENT) -> Acting:
        """Create an account with its key and profile; raises `InvalidInput`, `Conflict`, `NotFound`."""
        email = _valid_email(account.email)
        if account.age_band is not None and account.age_band not in get_args(AgeBand):
            raise InvalidInput("Choose one of the age bands.")
        if not account.name.strip():
            raise InvalidInput("Tell us what to call you.")
        password_hash = await hash_password(account.password)
        async with self._db.connection() as conn:
            institution = await _institution(conn, campus)
            account_id = AccountId(new_id())
            try:
                async with conn.transaction():
                    key = await create_key(conn, self._keys, institution, account_id)
                    await conn.execute(
                        "insert into accounts (id, institution_id, email_index, email_sealed, password_hash, role)"
                        " values (%s, %s, %s, %s, %s, %s)",
                        (
                            account_id,
                            institution,
                            blind_index(self._index_key, email),
                            key.seal(email, f"accounts.email:{account_id}"),
                            password_hash,
                            role,
                        ),
                    )
                    await conn.execute(
                        "insert into profiles (account_id, institution_id, name_sealed, pronouns, age_band, region,"
                        " time_zone, language) values (%s, %s, %s, %s, %s, %s, %s, %s)",
                        (
                            account_id,
                            institution,
                            key.seal(account.name.strip(), f"profiles.name:{account_id}"),
                            account.pronouns,
                            account.age_band,
                            account.region,
                            account.time_zone,
                            account.language,
                        ),
                    )
            except psycopg.errors.UniqueViolation as error:
                raise Conflict("There is an account with this e-mail already. Sign in instead.") from error
        return acting_for(institution, account_id, role)

    async def find(self, campus: str, email: str) -> Acting | None:
        """Return the account with this e-mail; for seeding and the operator, never for a client."""
        async with self._db.connection() as conn:
            cursor = await conn.execute(
                "select a.id, a.institution_id, a.role from accounts a join institutions i on i.id = a.institution_id"
                " where a.email_index = %s and i.slug = %s",
                (blind_index(self._index_key, _valid_email(email)), campus),
            )
            row = await cursor.fetchone()
        return acting_for(InstitutionId(row[1]), AccountId(row[0]), Role(row[2])) if row else None

    async def login(self, campus: str | None, email: str, password: str) -> tuple[Acting, Tokens]:
        """Sign in; raises `NotAuthenticated` for wrong credentials and `TooMany` for a locked account."""
        async with self._db.connection() as conn:
            cursor = await conn.execute(
                "select a.id, a.institution_id, a.role, a.password_hash, a.status, a.locked_until"
                " from accounts a join institutions i on i.id = a.institution_id"
                " where a.email_index = %s and (%s::text is null or i.slug = %s) order by a.created_at limit 1",
                (blind_index(self._index_key, email), campus, campus),
            )
            row = await cursor.fetchone()
        if row and row[5] and row[5] > self._clock.now():
            raise TooMany("Too many wrong passwords. Wait a quarter of an hour, or ask for a new password.")
        fits = await verify_password(row[3] if row else None, password)
        if row is None or not fits or row[4] != "active":
            if row is not None:
                await self._count_failure(row[0])
            raise NotAuthenticated(WRONG)
        who = acting_for(InstitutionId(row[1]), AccountId(row[0]), Role(row[2]))
        async with self._db.connection() as conn, conn.transaction():
            await conn.execute("update accounts set failed_logins = 0, locked_until = null where id = %s", (row[0],))
            return who, await self._issue(conn, who)

    async def refresh(self, token: str) -> tuple[Acting, Tokens]:
        """Exchange a refresh token for new tokens.

        A token used twice revokes its whole family: either the student or a thief holds a stolen copy.
        Raises `NotAuthenticated`.
        """
        now = self._clock.now()
        async with self._db.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "select t.id, t.family, t.account_id, t.institution_id, t.used_at, a.role"
                " from refresh_tokens t join accounts a on a.id = t.account_id"
                " where t.token_hash = %s and t.expires_at > %s and t.revoked_at is null and a.status = 'active'"
                " for update of t",
                (hash_refresh(token), now),
            )
            row = await cursor.fetchone()
            if row is not None and row[4] is None:
                await conn.execute("update refresh_tokens set used_at = %s where id = %s", (now, row[0]))
                who = acting_for(InstitutionId(row[3]), AccountId(row[2]), Role(row[5]))
                return who, await self._issue(conn, who, family=row[1])
            if row is not None:
                await _revoke_family(conn, row[1], now)
        raise NotAuthenticated

    async def logout(self, token: str) -> None:
        """Revoke the token's family; an unknown token is no error."""
        async with self._db.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "select family from refresh_tokens where token_hash = %s", (hash_refresh(token),)
            )
            row = await cursor.fetchone()
            if row is not None:
                await _revoke_family(conn, row[0], self._clock.now())

    async def _issue(self, conn: Connection, who: Acting, family: UUID | None = None) -> Tokens:
        access, access_expires = self.access.issue(who)
        refresh, refresh_expires = await issue_refresh(conn, who, self._settings, self._clock, family)
        return Tokens(access, access_expires, refresh, refresh_expires)

    async def _count_failure(self, account_id: UUID) -> None:
        async with self._db.connection() as conn, conn.transaction():
            await conn.execute(
                "update accounts set failed_logins = failed_logins + 1,"
                " locked_until = case when failed_logins + 1 >= %s then %s end where id = %s",
                (FAILURES_BEFORE_LOCK, self._clock.now() + LOCK, account_id),
            )


async def _revoke_family(conn: Connection, family: UUID, now: datetime) -> None:
    await conn.execute(
        "update refresh_tokens set revoked_at = %s where family = %s and revoked_at is null", (now, family)
    )


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


def _valid_email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise InvalidInput("That does not look like an e-mail address.") from error
