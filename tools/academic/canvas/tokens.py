"""A student's token: sealed at rest, renewed by one process at a time.

A renewal ends the access token of before at once, so two at once would end each other's. Whoever renews holds the row;
whoever waited finds the newer token and takes it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from core.clock import Clock
from core.crypto import SubjectKey
from core.errors import NotFound
from db.access import Acting, Database, Tx
from tools.academic.canvas.client import Token
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.connections import sealed
from tools.academic.canvas.failures import Disconnected
from tools.academic.canvas.oauth import OAuth
from tools.people.keys import student_key

READ = "select access_sealed, refresh_sealed, expires_at, version from canvas_tokens where student_id = %s"
HOLD = READ + " for update"


class StoredAccess:
    """A student's token in the database, as the client uses it."""

    def __init__(self, db: Database, oauth: OAuth, clock: Clock, who: Acting) -> None:
        if who.student_id is None:
            raise ValueError("A token is a student's.")
        self._db, self._oauth, self._clock, self._who = db, oauth, clock, who
        self.student: UUID = who.student_id
        self._known: Token | None = None

    async def current(self) -> Token:
        """The stored token, renewed first when its hour is about over; raises `Disconnected` when there is none."""
        if self._known is None:
            async with self._db.acting(self._who) as tx:
                self._known = await self._read(tx, await self._key(tx), READ)
        early = timedelta(seconds=load_figures()["tokens"]["renew_before_end"])
        if self._known.expires_at and self._known.expires_at - early <= self._clock.now():
            return await self.renewed(self._known)
        return self._known

    async def renewed(self, after: Token) -> Token:
        """The token that follows one: what somebody else has renewed meanwhile, or a fresh one.

        Raises `SignInAgain` when Canvas renews no more, and other `CanvasFailure`.
        """
        async with self._db.acting(self._who) as tx:
            key = await self._key(tx)
            stored = await self._read(tx, key, HOLD)
            if stored.version > after.version:
                self._known = stored
                return stored
            fresh = replace(await self._oauth.refresh(stored), version=stored.version + 1)
            await tx.conn.execute(
                "update canvas_tokens set access_sealed = %s, refresh_sealed = %s, expires_at = %s, version = %s"
                " where student_id = %s",
                (*sealed(key, self.student, fresh), fresh.expires_at, fresh.version, self.student),
            )
        self._known = fresh
        return fresh

    async def _key(self, tx: Tx) -> SubjectKey:
        try:
            return await student_key(tx)
        except NotFound as error:
            raise Disconnected("student_gone") from error

    async def _read(self, tx: Tx, key: SubjectKey, query: str) -> Token:
        row = await (await tx.conn.execute(query, (self.student,))).fetchone()
        if row is None:
            raise Disconnected("no_token")
        return Token(
            key.open(row[0], f"canvas_tokens.access:{self.student}"),
            key.open(row[1], f"canvas_tokens.refresh:{self.student}"),
            row[2],
            row[3],
        )
