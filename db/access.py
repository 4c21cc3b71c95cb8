"""The one way to the data: a transaction in which somebody acts.

Every query runs inside `Database.acting(...)`. It sets who acts, local to the transaction, and row-level security does
the rest. Helpers get a `Tx`, never a pool, and never commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.crypto import KeyRing
from core.errors import Unavailable
from core.ids import AccountId, InstitutionId, StudentId
from db.roles import refuse_powerful_role

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]


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
        self._keys = keys
        self._pool: Pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            open=False,
            timeout=timeout_seconds,
            configure=_configure,
            kwargs={"connect_timeout": 3},
        )

    async def open(self) -> None:
        """Connect; raises `ConfigurationError` when the login is not bound by row-level security."""
        await self._pool.open(wait=False)
        async with self.connection() as conn:
            await refuse_powerful_role(conn)

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection outside any acting person: health checks and named functions only.

        Raises `Unavailable` when the database cannot be reached.
        """
        try:
            async with self._pool.connection() as conn:
                yield conn
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            raise  # The database is well; whoever holds the transaction may try again.
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise Unavailable("The database cannot be reached right now.") from error

    @asynccontextmanager
    async def acting(self, who: Acting) -> AsyncIterator[Tx]:
        """Open a transaction in which `who` acts; commits at the end, rolls back on an exception.

        Raises `Unavailable` when the database cannot be reached.
        """
        async with self.connection() as conn, conn.transaction():
            await conn.execute(
                "select set_config('app.institution', %s, true), set_config('app.account', %s, true),"
                " set_config('app.student', %s, true), set_config('app.role', %s, true)",
                (str(who.institution_id), str(who.account_id), str(who.student_id or ""), who.role.value),
            )
            yield Tx(conn, who, self._keys)


async def _configure(conn: Connection) -> None:
    await register_vector_async(conn)
    await conn.execute("set statement_timeout = '15s'")
    # Without it a filtered HNSW search returns almost nothing, in silence.
    await conn.execute("set hnsw.iterative_scan = strict_order")
    await conn.execute("set hnsw.ef_search = 100")
    await conn.commit()
