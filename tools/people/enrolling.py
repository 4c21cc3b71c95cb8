"""Setting up and giving up the second step. Whoever does it has just shown the password, and the code there was."""

from __future__ import annotations

from core.errors import NotAuthenticated, TooMany
from db.access import Acting
from tools.people import one_time
from tools.people.accounts import LOCKED, WRONG_CODE, Accounts
from tools.people.attempts import Client
from tools.people.one_time import Purpose
from tools.people.passwords import verify_password
from tools.people.second_factor import Enrolment, Step
from tools.people.tokens import Tokens

RAN_OUT = "This took too long. Begin again with your password."


class Enrolling:
    """Enrolment over the sign-in login's pool."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._factor, self._clock, self._db = accounts.second_factor, accounts.clock, accounts.db

    async def ticket(self, who: Acting, password: str, code: str | None, client: Client) -> str:
        """Allow a signed-in account to set up a (new) second step; raises `NotAuthenticated`, `TooMany`."""
        await self.prove(who, password, code, client)
        async with self._db.connection() as conn:
            return await one_time.issue(conn, who, Purpose.SET_UP, at=self._clock.now())

    async def begin(self, ticket: str, label: str) -> Enrolment:
        """Make a secret for an authenticator app; raises `NotAuthenticated`."""
        async with self._db.connection() as conn:
            who = await one_time.read(conn, ticket, Purpose.SET_UP, at=self._clock.now())
            if who is not None:
                return await self._factor.begin(conn, who, label)
        raise NotAuthenticated(RAN_OUT)

    async def confirm(self, ticket: str, code: str, client: Client) -> tuple[Acting, tuple[str, ...], Tokens]:
        """Let the second step count and sign in; returns the recovery codes, which are shown once.

        Raises `NotAuthenticated` for a wrong code or a ticket that ran out, and `NotFound` before `begin`.
        """
        now = self._clock.now()
        async with self._db.connection() as conn:
            who = await one_time.read(conn, ticket, Purpose.SET_UP, at=now)
            codes = await self._factor.confirm(conn, who, code) if who else None
            if who is not None and codes is not None:
                await one_time.spend(conn, ticket, at=now)
                return who, codes, await self._accounts.sign_in(conn, who, client)
        raise NotAuthenticated(WRONG_CODE if who else RAN_OUT)

    async def remove(self, who: Acting, password: str, code: str, client: Client) -> None:
        """Do without a second step; raises `NotAllowed` for roles that need one, `NotAuthenticated`, `TooMany`."""
        await self.prove(who, password, code, client)
        async with self._db.connection() as conn:
            await self._factor.remove(conn, who)

    async def prove(self, who: Acting, password: str, code: str | None, client: Client) -> None:
        """Check that the signed-in account knows its password, and its code; raises `NotAuthenticated`, `TooMany`."""
        accounts = self._accounts
        async with self._db.connection() as conn:
            subject = await accounts.subject_of(conn, who)
            allowed = await accounts.attempts.allow(conn, subject, client)
            row = await (
                await conn.execute(
                    "select password_hash from accounts where id = %s and status = 'active'", (who.account_id,)
                )
            ).fetchone()
        if not allowed:
            raise TooMany(LOCKED)
        if not await verify_password(row[0] if row else None, password):
            raise NotAuthenticated("That password does not fit.")
        async with self._db.connection() as conn:
            await accounts.attempts.take_back(conn, subject, client)
            if await self._factor.missing(conn, who) is not Step.CODE:
                return
            allowed = await accounts.attempts.allow_code(conn, subject)
            right = allowed and await self._factor.check(conn, who, code or "")
        if not right:
            raise NotAuthenticated(WRONG_CODE)
