"""The login roles, made once per cluster by whoever administers it (a superuser), and the check that they hold."""

from __future__ import annotations

import secrets

import psycopg
from psycopg import sql

from core.errors import ConfigurationError

OWNER, APP, WORKER, AUTH = "companion_owner", "companion_app", "companion_worker", "companion_auth"
ROLES = (OWNER, APP, WORKER, AUTH)


def ensure_roles(admin: psycopg.Connection[tuple[object, ...]], passwords: dict[str, str]) -> None:
    """Create or repair the four login roles and let the owner have the database.

    `admin` is an autocommit superuser connection to the service's own database. The vector extension is made here,
    since only a superuser may.
    """
    for role in ROLES:
        exists = admin.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        verb = sql.SQL("alter" if exists else "create")
        admin.execute(
            sql.SQL("{} role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}").format(
                verb, sql.Identifier(role), sql.Literal(passwords[role])
            )
        )
    adopt_database(admin)


def adopt_database(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Give the connected database to the owner role and lock everybody else out of making things in it."""
    database = sql.Identifier(admin.info.dbname)
    admin.execute("create extension if not exists vector")
    admin.execute(sql.SQL("alter database {} owner to {}").format(database, sql.Identifier(OWNER)))
    admin.execute(sql.SQL("alter schema public owner to {}").format(sql.Identifier(OWNER)))
    admin.execute("revoke all on schema public from public")
    admin.execute(
        sql.SQL("grant usage on schema public to {}").format(
            sql.SQL(", ").join(sql.Identifier(role) for role in (APP, WORKER, AUTH))
        )
    )


def new_passwords() -> dict[str, str]:
    """Return fresh random passwords for every role."""
    return {role: secrets.token_urlsafe(24) for role in ROLES}


async def refuse_powerful_role(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """Refuse to serve as a role that row-level security does not bind.

    Raises `ConfigurationError` for a superuser, a role with BYPASSRLS, or the owner of a table.
    """
    cursor = await connection.execute(
        """select current_user, rolsuper, rolbypassrls,
                  exists (select from pg_tables where tableowner = current_user and schemaname = 'public')
           from pg_roles where rolname = current_user"""
    )
    row = await cursor.fetchone()
    if row is None or row[1] or row[2] or row[3]:
        raise ConfigurationError(
            f"The database login '{row[0] if row else '?'}' is not bound by row-level security. "
            f"Use the logins {APP}, {WORKER} and {AUTH}; `companion doctor` shows how to make them."
        )
