"""Brings a database to the current schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine


def _url(dsn: str) -> URL:
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value}
    query: dict[str, str] = {key: parts[key] for key in ("host", "port", "sslmode", "sslrootcert") if key in parts}
    return URL.create(
        "postgresql+psycopg",
        username=parts.get("user"),
        password=parts.get("password"),
        database=parts.get("dbname"),
        query=query,
    )


def _config(owner_dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["dsn"] = _url(owner_dsn)
    return config


def migrate(owner_dsn: str, revision: str = "head") -> None:
    """Apply what is missing, one transaction a migration; two processes at once wait for each other."""
    command.upgrade(_config(owner_dsn), revision)


def newest_revision() -> str:
    """The revision this code expects."""
    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise RuntimeError("No migrations are packaged.")
    return head


def current_revision(dsn: str) -> str | None:
    """The revision the database has; None for an empty one."""
    engine = create_engine(_url(dsn))
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return revision
