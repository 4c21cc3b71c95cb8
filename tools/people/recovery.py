"""What happens over the mailbox: confirm an address, choose a new password. Answers never say whether one is known."""

from __future__ import annotations

from core.crypto import blind_index
from core.errors import Conflict, NotAuthenticated
from db.access import Acting, Connection, Role
from tools.people import one_time, registering
from tools.people.accounts import Accounts
from tools.people.mailing import Letter, Postbox
from tools.people.one_time import Purpose
from tools.people.passwords import hash_password
from tools.people.registering import Checked, NewAccount

SPENT = "This link has been used or has run out. Ask for a new one."


class Recovery:
    """Mailbox flows over the sign-in login's pool."""

    def __init__(self, accounts: Accounts, postbox: Postbox) -> None:
        self._accounts, self._postbox = accounts, postbox

    @property
    def confirms_addresses(self) -> bool:
        """Whether a new account opens by a link in a mail; without a mail server it opens at once."""
        return self._postbox.reaches_people

    async def check(self, campus: str | None, account: NewAccount) -> Checked:
        """Check a registration, the same for a known and an unknown address; raises `InvalidInput`, `NotFound`."""
        return await registering.check(self._accounts.db, campus, account)

    async def register(self, checked: Checked) -> None:
        """Store the account and mail its link, or tell the owner of a known address; run after the answer."""
        accounts = self._accounts
        async with accounts.db.connection() as conn:
            who = await registering.replace_pending(conn, accounts.keys, accounts.index_key, checked)
            if who is None:
                try:
                    who = await registering.store(
                        conn, accounts.keys, accounts.index_key, checked, Role.STUDENT, confirmed=False
                    )
                except Conflict:
                    who = None
            link = await self._link(conn, who, Purpose.VERIFY_EMAIL) if who else ""
        letter: Letter = "verify_email" if who else "account_exists"
        await self._postbox.send(letter, checked.institution, checked.email, link=link)

    async def verify(self, token: str) -> None:
        """Confirm an address; once more is no error, since mail programs open links too. Raises `NotAuthenticated`."""
        now = self._accounts.clock.now()
        async with self._accounts.db.connection() as conn:
            who = await one_time.read(conn, token, Purpose.VERIFY_EMAIL, at=now, used=True)
            if who is not None:
                await one_time.spend(conn, token, at=now)
                await conn.execute(
                    "update accounts set email_verified_at = coalesce(email_verified_at, %s),"
                    " status = case when status = 'pending' then 'active' else status end where id = %s",
                    (now, who.account_id),
                )
                return
        raise NotAuthenticated(SPENT)

    async def forgot(self, campus: str | None, email: str) -> None:
        """Mail a link for a new password when there is such an account; run after the answer."""
        async with self._accounts.db.connection() as conn:
            row = await self._accounts.row_of(conn, campus, email)
            if row is None or row[4] == "disabled":
                return
            who = Acting(row[1], row[0], Role(row[2]))
            address = await self._address(conn, who)
            link = await self._link(conn, who, Purpose.RESET_PASSWORD)
        await self._postbox.send("reset_password", who.institution_id, address, link=link)

    async def reset(self, token: str, password: str) -> tuple[Acting, str]:
        """Set a new password, sign every device out and lift every lock; a second step stays.

        Returns whose it is, and the address to tell. Raises `NotAuthenticated` and `InvalidInput`.
        """
        hashed, now = await hash_password(password), self._accounts.clock.now()
        async with self._accounts.db.connection() as conn:
            who = await one_time.read(conn, token, Purpose.RESET_PASSWORD, at=now)
            if who is not None:
                await one_time.spend(conn, token, at=now)
                await conn.execute(
                    "update accounts set password_hash = %s, email_verified_at = coalesce(email_verified_at, %s),"
                    " status = case when status = 'pending' then 'active' else status end where id = %s",
                    (hashed, now, who.account_id),
                )
                await conn.execute(
                    "update refresh_tokens set revoked_at = %s where account_id = %s and revoked_at is null",
                    (now, who.account_id),
                )
                await one_time.end_tickets(conn, who)
                await self._accounts.attempts.forget_devices(conn, await self._accounts.subject_of(conn, who))
                return who, await self._address(conn, who)
        raise NotAuthenticated(SPENT)

    async def tell_changed(self, who: Acting, address: str) -> None:
        """Tell the owner that the password was changed."""
        await self._postbox.send("password_changed", who.institution_id, address)

    def subject(self, email: str) -> str:
        """The key by which requests for one address are limited."""
        return blind_index(self._accounts.index_key, email).hex()

    async def _link(self, conn: Connection, who: Acting, purpose: Purpose) -> str:
        token = await one_time.issue(conn, who, purpose, at=self._accounts.clock.now())
        base = self._accounts.settings.public_url.rstrip("/")
        path = "/api/v1/auth/verify-email" if purpose is Purpose.VERIFY_EMAIL else "/reset-password"
        return f"{base}{path}?token={token}"

    async def _address(self, conn: Connection, who: Acting) -> str:
        cursor = await conn.execute(
            "select a.email_sealed, k.wrapped from accounts a join data_keys k on k.subject_id = a.id where a.id = %s",
            (who.account_id,),
        )
        row = await cursor.fetchone()
        if row is None:
            raise NotAuthenticated(SPENT)
        key = self._accounts.keys.unwrap(row[1], str(who.account_id))
        return key.open(row[0], f"accounts.email:{who.account_id}")
