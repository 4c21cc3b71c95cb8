"""The second step at sign-in: time-based codes (RFC 6238) and ten recovery codes. Asked of everybody who is no student."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import Any

import pyotp

from core.clock import Clock
from core.crypto import KeyRing, SubjectKey, blind_index
from core.errors import CompanionError, NotAllowed, NotFound
from core.settings import Settings
from db.access import Acting, Connection, Role

STEP_SECONDS, TOLERATED_STEPS = 30, (-1, 0, 1)
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RECOVERY_LENGTH = 16
OFFERED = "offered"
"""A campus rule for demonstrations: staff may do without a second step. Production ignores it."""


class Step(StrEnum):
    """What is still missing after the password."""

    CODE = "code"
    SET_UP = "set_up"


class SecondStep(CompanionError):
    """Your password fits. One more step is needed to sign in."""

    status = 401
    code = "second_step"

    def __init__(self, step: Step, ticket: str) -> None:
        super().__init__()
        self.step, self.ticket = step, ticket


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs."""

    secret: str
    uri: str


class SecondFactor:
    """Second steps over the sign-in login's connections."""

    def __init__(self, index_key: bytes, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        self._index_key, self._keys, self._settings, self._clock = index_key, keys, settings, clock

    async def missing(self, conn: Connection, who: Acting) -> Step | None:
        """Return the step that signing in needs beside the password; None for none."""
        sealed = await self._column(conn, who, "totp_sealed")
        if sealed is not None:
            return Step.CODE
        return Step.SET_UP if await self.required(conn, who) else None

    async def required(self, conn: Connection, who: Acting) -> bool:
        """Whether this account may not do without a second step."""
        if who.role is Role.STUDENT:
            return False
        cursor = await conn.execute(
            "select settings->>'second_factor' from institutions where id = %s", (who.institution_id,)
        )
        row = await cursor.fetchone()
        return self._settings.production or row is None or row[0] != OFFERED

    async def begin(self, conn: Connection, who: Acting, label: str) -> Enrolment:
        """Make a new secret; it counts once a code of it is confirmed."""
        secret = pyotp.random_base32()
        sealed = (await self._key(conn, who)).seal(secret, f"accounts.totp:{who.account_id}")
        await conn.execute("update accounts set totp_pending_sealed = %s where id = %s", (sealed, who.account_id))
        return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name="Companion"))

    async def confirm(self, conn: Connection, who: Acting, code: str) -> tuple[str, ...] | None:
        """Let the new secret count when the code is its own; returns fresh recovery codes, None for a wrong code."""
        pending = await self._column(conn, who, "totp_pending_sealed")
        if pending is None:
            raise NotFound("Begin the set-up again.")
        secret = (await self._key(conn, who)).open(pending, f"accounts.totp:{who.account_id}")
        step = self._step_of(secret, code)
        if step is None:
            return None
        await conn.execute(
            "update accounts set totp_sealed = totp_pending_sealed, totp_pending_sealed = null, totp_step = %s where id = %s",
            (step, who.account_id),
        )
        await conn.execute("delete from recovery_codes where account_id = %s", (who.account_id,))
        codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        for made in codes:
            await conn.execute(
                "insert into recovery_codes (account_id, institution_id, code_hash) values (%s, %s, %s)",
                (who.account_id, who.institution_id, self._hash(who, made)),
            )
        return codes

    async def check(self, conn: Connection, who: Acting, code: str) -> bool:
        """Whether the code is right; a code of either kind works once."""
        sealed = await self._column(conn, who, "totp_sealed")
        if sealed is None:
            return False
        secret = (await self._key(conn, who)).open(sealed, f"accounts.totp:{who.account_id}")
        step = self._step_of(secret, code)
        if step is not None:
            used = await conn.execute(
                "update accounts set totp_step = %s where id = %s and coalesce(totp_step, 0) < %s",
                (step, who.account_id, step),
            )
            return used.rowcount == 1
        used = await conn.execute(
            "update recovery_codes set used_at = %s where account_id = %s and code_hash = %s and used_at is null",
            (self._clock.now(), who.account_id, self._hash(who, code)),
        )
        return used.rowcount == 1

    async def remove(self, conn: Connection, who: Acting) -> None:
        """Do without a second step again; raises `NotAllowed` for roles that need one."""
        if await self.required(conn, who):
            raise NotAllowed("Your role signs in with a second step. Set up a new device instead.")
        await conn.execute(
            "update accounts set totp_sealed = null, totp_pending_sealed = null where id = %s", (who.account_id,)
        )
        await conn.execute("delete from recovery_codes where account_id = %s", (who.account_id,))

    def _step_of(self, secret: str, code: str) -> int | None:
        """The 30 seconds whose code this is, one step of clock drift to either side."""
        now = int(self._clock.now().timestamp()) // STEP_SECONDS
        digits = "".join(code.split())
        totp = pyotp.TOTP(secret)
        fitting = [
            now + drift
            for drift in TOLERATED_STEPS
            if compare_digest(totp.generate_otp(now + drift).encode(), digits.encode())
        ]
        return fitting[0] if fitting else None

    def _hash(self, who: Acting, code: str) -> bytes:
        plain = "".join(letter for letter in code.upper() if letter.isalnum())
        return blind_index(self._index_key, f"recovery:{who.account_id}:{plain}")

    async def _key(self, conn: Connection, who: Acting) -> SubjectKey:
        cursor = await conn.execute("select wrapped from data_keys where subject_id = %s", (who.account_id,))
        row = await cursor.fetchone()
        if row is None:
            raise NotFound
        return self._keys.unwrap(row[0], str(who.account_id))

    async def _column(self, conn: Connection, who: Acting, name: str) -> Any:
        columns = {
            "totp_sealed": "select totp_sealed from accounts where id = %s for update",
            "totp_pending_sealed": "select totp_pending_sealed from accounts where id = %s for update",
        }
        row = await (await conn.execute(columns[name], (who.account_id,))).fetchone()
        return row[0] if row else None


def _recovery_code() -> str:
    letters = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, RECOVERY_LENGTH, 4))
