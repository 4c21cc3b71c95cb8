"""The one way to the data: a transaction in which somebody acts.

Every query runs inside `Database.acting(...)`. It sets who acts, local to the transaction, and row-level security does
the rest. Helpers get a `Tx`, never a pool, and never commit.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.crypto import KeyRing
from core.errors import ConfigurationError, NotAuthenticated, Unavailable
from core.ids import AccountId, InstitutionId, StudentId
from db.roles import refuse_powerful_role

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]


RECONNECT_SECONDS = 0.25
"""A pool gives a connection up after trying for so long. The next request tries anew at once: no backoff to wait out."""
PATIENCE_SECONDS = 0.5
"""How long a request waits before it asks whether connecting fails: then waiting is of no use."""


SETTINGS = (
    "select set_config('app.institution', %(institution)s, true), set_config('app.account', %(account)s, true),"
    " set_config('app.student', %(student)s, true), set_config('app.role', %(role)s, true)"
)
STANDS = ", account_stands(%(account)s::uuid, %(institution)s::uuid, %(role)s)"


class Role(StrEnum):
    """What an account may be."""

    STUDENT = "student"
    COUNSELOR = "counselor"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        return self in (Role.COUNSELOR, Role.SUPERVISOR)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and on whose data."""

    institution_id: InstitutionId
    account_id: AccountId
    role: Role
    student_id: StudentId | None = None
    """The student whose rows are open: the student's own id, or that of the job's student in the worker."""
    signed_in: bool = field(default=False, compare=False)
    """Whether a token says so: then the account is looked up, since it may have been closed meanwhile."""

    @classmethod
    def student(cls, institution_id: InstitutionId, student_id: StudentId) -> Acting:
        """The student acting for themself."""
        return cls(institution_id, AccountId(student_id), Role.STUDENT, student_id)


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction and who acts in it."""

    conn: Connection
    who: Acting
    keys: KeyRing
    """Unwraps the data keys that this transaction may read."""


class Database:
    """The pool of one process for one login role."""

    def __init__(self, dsn: str, keys: KeyRing, *, size: int, timeout_seconds: float = 5.0) -> None:
        self._keys, self._timeout = keys, timeout_seconds
        self._refused: ConfigurationError | None = None
        self._down = False
        self._pool: Pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            open=False,
            configure=self._configure,
            check=_refuse_stale,
            reconnect_timeout=RECONNECT_SECONDS,
            kwargs={"connect_timeout": 3},
        )

    async def open(self, *, must_answer: bool = True) -> None:
        """Connect; raises `ConfigurationError` when the login is not bound by row-level security.

        Unless it `must_answer`, a database that is down is waited for by whoever needs it; `Unavailable` otherwise.
        """
        await self._pool.open(wait=False)
        try:
            async with self.connection():
                pass
        except Unavailable:
            if must_answer:
                raise

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection outside any acting person: health checks and named functions only.

        Raises `Unavailable` when the database cannot be reached, sooner if it could not be just before, and
        `ConfigurationError` when the login is not bound by row-level security.
        """
        try:
            conn = await self._lend()
            try:
                async with conn:
                    yield conn
            finally:
                await self._pool.putconn(conn)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            raise  # The database is well; whoever holds the transaction may try again.
        except (PoolTimeout, psycopg.OperationalError) as error:
            if self._refused is not None:
                raise self._refused from error
            raise Unavailable("The database cannot be reached right now.") from error

    @asynccontextmanager
    async def acting(self, who: Acting) -> AsyncIterator[Tx]:
        """Open a transaction in which `who` acts; commits at the end, rolls back on an exception.

        Raises `Unavailable` when the database cannot be reached, and `NotAuthenticated` when the account that signed
        in is closed or has another role by now.
        """
        async with self.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                SETTINGS + (STANDS if who.signed_in else ""),
                {
                    "institution": str(who.institution_id),
                    "account": str(who.account_id),
                    "student": str(who.student_id or ""),
                    "role": who.role.value,
                },
            )
            if who.signed_in and (await cursor.fetchone() or ())[-1:] != (True,):
                raise NotAuthenticated
            yield Tx(conn, who, self._keys)

    async def _lend(self) -> Connection:
        """Take a connection; raises `PoolTimeout` when all stay busy, and sooner when connecting fails."""
        failures, waited = self._failures(), 0.0
        while True:
            try:
                conn = await self._pool.getconn(min(PATIENCE_SECONDS, self._timeout))
            except PoolTimeout:
                waited += PATIENCE_SECONDS
                self._down = self._down or self._failures() > failures
                if self._down or self._refused or waited >= self._timeout:
                    raise
            else:
                self._down = False
                return conn

    def _failures(self) -> int:
        return self._pool.get_stats().get("connections_errors", 0)

    async def _configure(self, conn: Connection) -> None:
        try:
            await refuse_powerful_role(conn)
        except ConfigurationError as error:
            self._refused = error
            await conn.close()
            raise
        self._refused = None
        await register_vector_async(conn)
        await conn.execute("set statement_timeout = '15s'")
        # Without it a filtered HNSW search returns almost nothing, in silence.
        await conn.execute("set hnsw.iterative_scan = strict_order")
        await conn.execute("set hnsw.ef_search = 100")
        await conn.commit()


async def _refuse_stale(conn: Connection) -> None:
    """Refuse a connection that the server has ended meanwhile; costs no round trip while it is well."""
    waiting = select.poll()
    waiting.register(conn.fileno(), select.POLLIN)
    if waiting.poll(0):
        await AsyncConnectionPool.check_connection(conn)
