"""Real servers for the tests: one embedded PostgreSQL and Redis a session, one cloned database a test."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from cli.demo import ensure_demo
from cli.secrets import generate
from cli.stack import ingest_articles
from core.clock import SystemClock
from core.crypto import KeyRing
from core.ids import InstitutionId, new_id
from core.logs import configure_logging
from core.settings import Environment, Settings
from db import roles
from db.access import Acting, Database, Role
from db.embedded import (
    EmbeddedPostgres,
    EmbeddedRedis,
    clone_database,
    drop_database,
    ensure_database,
    start_postgres,
    start_redis,
)
from db.migrate import migrate
from embedding.export import export_encoder, model_directory
from embedding.onnx import OnnxEmbedder
from simulators.run import Running, serve_in_process
from tests.site import Site
from tools.people.accounts import Accounts, NewAccount

# The same examples every time: what fails here fails for everybody.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile("same")

TEMPLATE = "companion_template"
HOME = Path(os.environ.get("COMPANION_HOME", Path(__file__).parents[1] / ".companion"))
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def encoder() -> OnnxEmbedder:
    """The real encoder; exported once into the home folder, as `companion up` would."""
    export_encoder(HOME, print)
    return OnnxEmbedder(model_directory(HOME))


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short path, since Unix sockets live in it."""
    with tempfile.TemporaryDirectory(prefix="companion-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[EmbeddedPostgres]:
    """A server whose template database has the schema and nothing else."""
    server = start_postgres(scratch / "pg")
    ensure_database(server, TEMPLATE)
    migrate(server.dsn(roles.OWNER, TEMPLATE))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis(scratch: Path) -> Iterator[EmbeddedRedis]:
    """A Redis of the session's own."""
    server = start_redis(scratch / "redis")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    """One set of secrets a session: making RSA keys takes a while."""
    return generate()


def settings_over(postgres: EmbeddedPostgres, redis: EmbeddedRedis, secrets: dict[str, str], name: str) -> Settings:
    """Settings that reach one database of a server, with a home of their own that shares the encoder."""
    home = postgres.data.parent / f"home-{name}"
    home.mkdir()
    (home / "models").symlink_to(HOME / "models")
    return Settings(
        environment=Environment.TEST,
        home=home,
        owner_dsn=postgres.dsn(roles.OWNER, name),
        app_dsn=postgres.dsn(roles.APP, name),
        worker_dsn=postgres.dsn(roles.WORKER, name),
        auth_dsn=postgres.dsn(roles.AUTH, name),
        redis_url=redis.url,
        pool_size=6,
        turns_per_minute=10_000,
        **{key.removeprefix("COMPANION_").lower(): value for key, value in secrets.items()},
    )


@pytest.fixture
def settings(postgres: EmbeddedPostgres, redis: EmbeddedRedis, secrets: dict[str, str]) -> Iterator[Settings]:
    """Settings over a database of this test's own."""
    name = f"t{new_id().hex}"
    clone_database(postgres, TEMPLATE, name)
    configure_logging("WARNING")
    yield settings_over(postgres, redis, secrets, name)
    drop_database(postgres, name)


@pytest.fixture(scope="session")
def campus_canvas() -> Iterator[Running]:
    """The Canvas of the demo campus, as a process of its own, at the time of this machine."""
    with serve_in_process("simulators.canvas") as running:
        yield running


@pytest.fixture(scope="session")
def site(
    postgres: EmbeddedPostgres,
    redis: EmbeddedRedis,
    secrets: dict[str, str],
    encoder: OnnxEmbedder,
    scratch: Path,
    campus_canvas: Running,
) -> Iterator[Site]:
    """The whole service with its demo campus and articles, in processes of its own."""
    name = "site"
    clone_database(postgres, TEMPLATE, name)
    over = settings_over(postgres, redis, secrets, name)
    over = over.model_copy(
        update={
            "demo": True,
            "demo_password": SecretStr("a demo password"),
            "telemetry_url": "http://127.0.0.1:9/unreachable",
            "canvas_url": campus_canvas.base_url,
            "canvas_client_id": "10002",
            "canvas_client_secret": SecretStr("scoped-development-secret"),
        }
    )
    asyncio.run(ingest_articles(over))
    running = Site(over, asyncio.run(ensure_demo(over)), log=scratch / "site.log")
    running.start()
    yield running
    running.stop()
    drop_database(postgres, name)


@pytest.fixture
def keys(settings: Settings) -> KeyRing:
    """The master keys of the test."""
    return KeyRing.from_setting(settings.master_key.get_secret_value())


@pytest.fixture
async def database(settings: Settings, keys: KeyRing) -> AsyncIterator[Database]:
    """The app login's pool."""
    pool = Database(settings.app_dsn.get_secret_value(), keys, size=6)
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
async def auth_database(settings: Settings, keys: KeyRing) -> AsyncIterator[Database]:
    """The auth login's pool."""
    pool = Database(settings.auth_dsn.get_secret_value(), keys, size=2)
    await pool.open()
    yield pool
    await pool.close()


def make_campus(settings: Settings, slug: str = "hill", **rules: object) -> InstitutionId:
    """Create an institution as the owner; `rules` become its settings."""
    institution = InstitutionId(new_id())
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "insert into institutions (id, slug, name, region, time_zone, settings) values (%s, %s, %s, 'US',"
            " 'America/Denver', %s)",
            (
                institution,
                slug,
                slug.title(),
                Jsonb({"staffing": "always", "escalation_email": "on-call@x.example"} | rules),
            ),
        )
    return institution


@dataclass(frozen=True, slots=True)
class People:
    """A campus with two students and two counselors, and another campus with one of each."""

    accounts: Accounts
    maya: Acting
    jonas: Acting
    rosa: Acting
    sam: Acting
    operator: Acting
    stranger: Acting
    foreign_counselor: Acting


@pytest.fixture
async def people(settings: Settings, auth_database: Database, keys: KeyRing) -> People:
    """Accounts to act as."""
    make_campus(settings)
    make_campus(settings, "valley")
    accounts = Accounts(auth_database, keys, settings, SystemClock())

    async def add(campus: str, name: str, role: Role) -> Acting:
        account = NewAccount(f"{name}@{campus}.example", PASSWORD, name.title(), "18_24", "US", "America/Denver")
        return await accounts.register(campus, account, role)

    return People(
        accounts,
        maya=await add("hill", "maya", Role.STUDENT),
        jonas=await add("hill", "jonas", Role.STUDENT),
        rosa=await add("hill", "rosa", Role.COUNSELOR),
        sam=await add("hill", "sam", Role.COUNSELOR),
        operator=await add("hill", "ops", Role.ADMIN),
        stranger=await add("valley", "wei", Role.STUDENT),
        foreign_counselor=await add("valley", "ines", Role.COUNSELOR),
    )
