"""Lock-out by who is guessing: wrong passwords cost the guesser their tries, not the owner their account.

Tries are counted for each source: a device that has signed in before, by the token it keeps, or else a network address.
Strangers also share one count, so that many addresses do not mean many guesses; a device that is known is untouched by
it, and a new password by mail makes one known. An address that has no account here is counted in the same way.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta

from core.clock import Clock
from core.crypto import blind_index
from db.access import Connection

WINDOW = timedelta(minutes=15)
PER_SOURCE = 8
"""Tries of one source within the window."""
STRANGERS = 30
"""Tries of all unknown sources together within the window."""
CODES, CODES_WINDOW = 10, timedelta(hours=1)
"""Wrong codes after a right password, of everybody together."""
FORGOTTEN_AFTER, DEVICE_LIFE = timedelta(days=1), timedelta(days=400)
EVERYBODY = b"everybody"
COUNT = """
insert into sign_in_attempts (subject, source, failures, since) values (%(subject)s, %(source)s, 1, %(now)s)
on conflict (subject, source) do update set
  failures = case when sign_in_attempts.since <= %(over)s then 1 else sign_in_attempts.failures + 1 end,
  since = case when sign_in_attempts.since <= %(over)s then %(now)s else sign_in_attempts.since end
returning failures
"""


@dataclass(frozen=True, slots=True)
class Client:
    """What signs in, as far as it can be told apart."""

    address: str = ""
    agent: str = ""
    device: str | None = None
    """The token that a device got at its first sign-in."""

    @property
    def mark(self) -> bytes | None:
        """Tells clients apart within a session; None when nothing is known of it."""
        return hashlib.sha256(f"{self.agent}|{self.device}".encode()).digest() if self.agent or self.device else None


UNKNOWN = Client()


class Attempts:
    """Counts tries by keyed hashes of who is meant and who is asking; `subject` is the blind index of the e-mail."""

    def __init__(self, index_key: bytes, clock: Clock) -> None:
        self._key, self._clock = index_key, clock

    async def allow(self, conn: Connection, subject: bytes, client: Client) -> bool:
        """Count a try before the password is looked at, so that many at once gain nothing; False when locked."""
        source, known = await self._source(conn, subject, client)
        fine = await self._count(conn, subject, source, PER_SOURCE, WINDOW)
        return fine and (known or await self._count(conn, subject, EVERYBODY, STRANGERS, WINDOW))

    async def allow_code(self, conn: Connection, subject: bytes) -> bool:
        """Count a code; False when there were too many wrong ones."""
        return await self._count(conn, self._codes_of(subject), EVERYBODY, CODES, CODES_WINDOW)

    async def take_back(self, conn: Connection, subject: bytes, client: Client) -> None:
        """The password was right and only the code is missing: the try was none."""
        source, _ = await self._source(conn, subject, client)
        await conn.execute(
            "update sign_in_attempts set failures = greatest(failures - 1, 0) where subject = %s and source = any(%s)",
            (subject, [source, EVERYBODY]),
        )

    async def welcome(self, conn: Connection, subject: bytes, client: Client) -> str | None:
        """Forget the tries of who signed in; returns a new device's token, None for one that is known."""
        now = self._clock.now()
        await self.take_back(conn, subject, client)
        source, known = await self._source(conn, subject, client)
        token = None if known else secrets.token_urlsafe(24)
        await conn.execute(
            "delete from sign_in_attempts where subject = %s and source = %s and not %s or subject = %s"
            " or known_at is null and since < %s or subject = %s and known_at < %s",
            (subject, source, known, self._codes_of(subject), now - FORGOTTEN_AFTER, subject, now - DEVICE_LIFE),
        )
        await conn.execute(
            "insert into sign_in_attempts (subject, source, failures, since, known_at) values (%s, %s, 0, %s, %s)"
            " on conflict (subject, source) do update set failures = 0, since = excluded.since, known_at = excluded.known_at",
            (subject, self._device(token) if token else source, now, now),
        )
        return token

    async def forget_devices(self, conn: Connection, subject: bytes) -> None:
        """No device is known any more, and nothing is locked: the owner of the mailbox chose a new password."""
        await conn.execute("delete from sign_in_attempts where subject = %s", (subject,))

    async def _source(self, conn: Connection, subject: bytes, client: Client) -> tuple[bytes, bool]:
        if client.device:
            device = self._device(client.device)
            cursor = await conn.execute(
                "select 1 from sign_in_attempts where subject = %s and source = %s and known_at > %s",
                (subject, device, self._clock.now() - DEVICE_LIFE),
            )
            if await cursor.fetchone():
                return device, True
        return blind_index(self._key, f"address:{network_of(client.address)}"), False

    async def _count(self, conn: Connection, subject: bytes, source: bytes, most: int, window: timedelta) -> bool:
        now = self._clock.now()
        values = {"subject": subject, "source": source, "now": now, "over": now - window}
        row = await (await conn.execute(COUNT, values)).fetchone()
        return row is not None and row[0] <= most

    def _codes_of(self, subject: bytes) -> bytes:
        return blind_index(self._key, f"codes:{subject.hex()}")

    @staticmethod
    def _device(token: str) -> bytes:
        return hashlib.sha256(token.encode()).digest()


def network_of(address: str) -> str:
    """The address itself, or the /64 of an IPv6 address, within which one machine has any number of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
