"""Accounts: register, sign in, refresh, sign out. Runs as the login role that sees credentials and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.clock import Clock
from core.crypto import KeyRing, blind_index, decode_key
from core.errors import NotAuthenticated, TooMany
from core.ids import AccountId, InstitutionId
from core.settings import Settings
from db.access import Acting, Connection, Database, Role
from tools.people import one_time, registering
from tools.people.attempts import UNKNOWN, Attempts, Client
from tools.people.one_time import Purpose
from tools.people.passwords import verify_password
from tools.people.registering import AgeBand, NewAccount, valid_email
from tools.people.second_factor import SecondFactor, SecondStep
from tools.people.tokens import AccessTokens, Tokens, acting_for, hash_refresh, issue_refresh

__all__ = ["Accounts", "AgeBand", "NewAccount"]
TABS = timedelta(seconds=10)
"""For so long the client that used a refresh token may use it again: two of its tabs asked at once."""
WRONG = "That e-mail and password do not fit together."
WRONG_CODE = "That code does not fit. Codes change every 30 seconds, and each works once."
LOCKED = "Too many tries. Wait a quarter of an hour, or choose a new password by mail."


class Accounts:
    """Sign-in over the auth login role's pool."""

    def __init__(self, auth: Database, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        self.db, self.keys, self.settings, self.clock = auth, keys, settings, clock
        self.index_key = decode_key(settings.index_key.get_secret_value(), "COMPANION_INDEX_KEY")
        self.attempts = Attempts(self.index_key, clock)
        self.second_factor = SecondFactor(self.index_key, keys, settings, clock)
        self.access = AccessTokens(
            settings.token_private_key.get_secret_value(), clock, timedelta(minutes=settings.access_token_minutes)
        )

    async def register(self, campus: str | None, account: NewAccount, role: Role = Role.STUDENT) -> Acting:
        """Create an account that may sign in at once; raises `InvalidInput`, `Conflict`, `NotFound`."""
        checked = await registering.check(self.db, campus, account)
        async with self.db.connection() as conn:
            return await registering.store(conn, self.keys, self.index_key, checked, role, confirmed=True)

    async def find(self, campus: str, email: str) -> Acting | None:
        """Return the account with this e-mail; for seeding and the operator, never for a client."""
        async with self.db.connection() as conn:
            row = await self.row_of(conn, campus, valid_email(email))
        return _who(row) if row else None

    async def login(
        self, campus: str | None, email: str, password: str, client: Client = UNKNOWN
    ) -> tuple[Acting, Tokens]:
        """Sign in.

        Raises `NotAuthenticated` for wrong credentials, `SecondStep` when they are right and not enough, and
        `TooMany` for a source that tried too often, whether or not the address is known.
        """
        subject = blind_index(self.index_key, email)
        async with self.db.connection() as conn:
            allowed = await self.attempts.allow(conn, subject, client)
            row = await self.row_of(conn, campus, email)
        if not allowed:
            raise TooMany(LOCKED)
        fits = await verify_password(row[3] if row else None, password)
        if row is None or not fits or row[4] != "active":
            raise NotAuthenticated(WRONG)
        who = _who(row)
        async with self.db.connection() as conn:
            step = await self.second_factor.missing(conn, who)
            if step is None:
                return who, await self.sign_in(conn, who, client)
            await self.attempts.take_back(conn, subject, client)
            ticket = await one_time.issue(conn, who, Purpose(step.value), at=self.clock.now())
        raise SecondStep(step, ticket)

    async def second_step(self, ticket: str, code: str, client: Client = UNKNOWN) -> tuple[Acting, Tokens]:
        """Finish a sign-in with a code; raises `NotAuthenticated` and `TooMany`."""
        now, allowed = self.clock.now(), True
        async with self.db.connection() as conn:
            who = await one_time.read(conn, ticket, Purpose.CODE, at=now)
            if who is not None:
                allowed = await self.attempts.allow_code(conn, await self.subject_of(conn, who))
                if allowed and await self.second_factor.check(conn, who, code):
                    await one_time.spend(conn, ticket, at=now)
                    return who, await self.sign_in(conn, who, client)
        if not allowed:
            raise TooMany("Too many wrong codes. Wait an hour, or use a device that you have signed in with.")
        raise NotAuthenticated(WRONG_CODE if who else "This sign-in took too long. Begin again with your password.")

    async def refresh(self, token: str, client: Client = UNKNOWN) -> tuple[Acting, Tokens]:
        """Exchange a refresh token for new tokens.

        A token used twice revokes its whole family: either the student or a thief holds a stolen copy. Only the
        client that used it may do so again for a few seconds. Raises `NotAuthenticated`.
        """
        now = self.clock.now()
        async with self.db.connection() as conn:
            cursor = await conn.execute(
                "select t.id, t.family, t.account_id, t.institution_id, t.used_at, t.used_by, a.role"
                " from refresh_tokens t join accounts a on a.id = t.account_id"
                " where t.token_hash = %s and t.expires_at > %s and t.revoked_at is null and a.status = 'active'"
                " for update of t",
                (hash_refresh(token), now),
            )
            row = await cursor.fetchone()
            if row is not None and _may_use(row[4], row[5], client, now):
                await conn.execute(
                    "update refresh_tokens set used_at = coalesce(used_at, %s), used_by = coalesce(used_by, %s)"
                    " where id = %s",
                    (now, client.mark, row[0]),
                )
                who = acting_for(InstitutionId(row[3]), AccountId(row[2]), Role(row[6]))
                return who, await self._issue(conn, who, family=row[1])
            if row is not None:
                await _revoke_family(conn, row[1], now)
        raise NotAuthenticated

    async def logout(self, token: str) -> None:
        """Revoke the token's family; an unknown token is no error."""
        async with self.db.connection() as conn:
            cursor = await conn.execute(
                "select family from refresh_tokens where token_hash = %s", (hash_refresh(token),)
            )
            row = await cursor.fetchone()
            if row is not None:
                await _revoke_family(conn, row[0], self.clock.now())

    async def sign_in(self, conn: Connection, who: Acting, client: Client) -> Tokens:
        """Give tokens to somebody who has proved who they are, and make their device known."""
        device = await self.attempts.welcome(conn, await self.subject_of(conn, who), client)
        return replace(await self._issue(conn, who), device=device)

    async def subject_of(self, conn: Connection, who: Acting) -> bytes:
        """The blind index under which tries for this account are counted."""
        cursor = await conn.execute("select email_index from accounts where id = %s", (who.account_id,))
        row = await cursor.fetchone()
        if row is None:
            raise NotAuthenticated
        return bytes(row[0])

    async def row_of(self, conn: Connection, campus: str | None, email: str) -> tuple[Any, ...] | None:
        """Id, institution, role, password hash and status of the account with this address."""
        cursor = await conn.execute(
            "select a.id, a.institution_id, a.role, a.password_hash, a.status"
            " from accounts a join institutions i on i.id = a.institution_id"
            " where a.email_index = %s and (%s::text is null or i.slug = %s) order by a.created_at limit 1",
            (blind_index(self.index_key, email), campus, campus),
        )
        return await cursor.fetchone()

    async def _issue(self, conn: Connection, who: Acting, family: UUID | None = None) -> Tokens:
        access, access_expires = self.access.issue(who)
        refresh, refresh_expires = await issue_refresh(conn, who, self.settings, self.clock, family)
        return Tokens(access, access_expires, refresh, refresh_expires)


def _who(row: tuple[Any, ...]) -> Acting:
    return acting_for(InstitutionId(row[1]), AccountId(row[0]), Role(row[2]))


def _may_use(used_at: datetime | None, used_by: bytes | None, client: Client, now: datetime) -> bool:
    if used_at is None:
        return True
    same = client.mark is not None and used_by is not None and bytes(used_by) == client.mark
    return same and now - used_at <= TABS


async def _revoke_family(conn: Connection, family: UUID, now: datetime) -> None:
    await conn.execute(
        "update refresh_tokens set revoked_at = %s where family = %s and revoked_at is null", (now, family)
    )
