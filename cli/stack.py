"""The embedded stack of one home folder: encoder, secrets, PostgreSQL, Redis, schema, content."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg.conninfo import make_conninfo

import knowledge_base
from cli.console import note, step
from cli.secrets import as_env, ensure_file, write_private
from core.errors import ConfigurationError
from core.settings import RUNTIME_FILE, SECRETS_FILE, Settings, load_settings
from db import roles
from db.embedded import EmbeddedPostgres, EmbeddedRedis, ensure_database, start_postgres, start_redis, stop_postgres
from db.migrate import migrate
from embedding.export import export_encoder
from embedding.load import load_embedder
from rag.documents import read_documents
from rag.index import ingest

DATABASE = "companion"
ARTICLES = Path(next(iter(knowledge_base.__path__))) / "articles"


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and the settings that reach it."""

    settings: Settings
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home folder's lock; a second holder is refused, a dead one leaves nothing behind.

    Raises `ConfigurationError` when another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(f"Companion is already running from {home}.") from error
        yield


@contextmanager
def embedded_stack(settings: Settings) -> Iterator[Stack]:
    """Start everything below the service, bring schema and content up to date, stop it at the end."""
    home = settings.home
    with step("Encoder"):
        export_encoder(home, note)
    with step("Development secrets"):
        if ensure_file(home / SECRETS_FILE):
            note(f"generated in {SECRETS_FILE} of the home folder")
    try:
        with step("PostgreSQL"):
            postgres = start_postgres(home / "postgres")
        redis = start_redis(home)
        try:
            with step("Database and schema"):
                ensure_database(postgres, DATABASE)
                write_private(home / RUNTIME_FILE, as_env(_runtime(postgres, redis)))
                current = load_settings()
                migrate(current.owner_dsn.get_secret_value())
            with step("Knowledge base"):
                asyncio.run(ingest_articles(current))
            yield Stack(current, postgres, redis)
        finally:
            redis.stop()
    finally:
        stop_postgres(home / "postgres")


def remember_address(home: Path, address: str) -> None:
    """Write down where the service answers, for the other commands."""
    runtime = home / RUNTIME_FILE
    write_private(runtime, runtime.read_text() + as_env({"COMPANION_PUBLIC_URL": address}))


def _runtime(postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> dict[str, str]:
    return {
        "COMPANION_OWNER_DSN": postgres.dsn(roles.OWNER, DATABASE),
        "COMPANION_APP_DSN": postgres.dsn(roles.APP, DATABASE),
        "COMPANION_WORKER_DSN": postgres.dsn(roles.WORKER, DATABASE),
        "COMPANION_AUTH_DSN": postgres.dsn(roles.AUTH, DATABASE),
        "COMPANION_REDIS_URL": redis.url,
    }


async def ingest_articles(settings: Settings, folder: Path = ARTICLES) -> None:
    """Bring the shared knowledge up to date with a folder of articles."""
    embedder = load_embedder(settings.embedder, settings.home)
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(settings.worker_dsn.get_secret_value()), autocommit=True
    ) as conn:
        await register_vector_async(conn)
        report = await ingest(conn, read_documents(folder), embedder, complete=True, progress=note)
    note(str(report))
