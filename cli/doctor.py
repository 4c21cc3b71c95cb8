"""`companion doctor`: looks at every part and says how to repair what fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import redis
from rich.table import Table

from cli.console import out
from core.crypto import KeyRing
from core.errors import CompanionError, ConfigurationError
from core.settings import Settings
from db.access import Database
from db.migrate import current_revision, newest_revision
from embedding.load import load_embedder
from safety.resources import load_resources
from tools.care.responders import Answering, answering

WORKER_SILENT = timedelta(minutes=2)
OLD_RESOURCE = timedelta(days=365)
MOST_APART = timedelta(seconds=10)
"""Clocks that are further apart than this move what is promised by minutes or refuse what is signed."""


class Complaint(Exception):
    """A part fails; the message says how to repair it."""


class Warn(Exception):  # not an error
    """A part works, and somebody should look at it."""


def examine(settings: Settings, only: str | None = None) -> bool:
    """Check every part, or one, and print the findings; True when nothing fails."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("part")
    table.add_column("finding", overflow="fold")
    fine = True
    if only is not None and only not in CHECKS:
        raise ConfigurationError(f"There is no part '{only}'. The parts are: {', '.join(CHECKS)}.")
    for name, check in CHECKS.items():
        if only not in (None, name):
            continue
        try:
            table.add_row("[green]✓[/]", name, check(settings))
        except Warn as warning:
            table.add_row("[yellow]![/]", name, str(warning))
        except (Complaint, CompanionError) as complaint:
            fine = False
            table.add_row("[red]✗[/]", name, str(complaint))
        except psycopg.Error as error:
            fine = False
            table.add_row(
                "[red]✗[/]",
                name,
                f"The database refused: {type(error).__name__}. Is the schema current? `companion migrate`",
            )
    out.print(table)
    return fine


def _connect(settings: Settings, name: str) -> psycopg.Connection[tuple[object, ...]]:
    dsn = getattr(settings, f"{name}_dsn").get_secret_value()
    if not dsn:
        raise Complaint(f"COMPANION_{name.upper()}_DSN is not set. Run `companion up`, or set it in the environment.")
    try:
        return psycopg.connect(dsn, connect_timeout=3)
    except psycopg.OperationalError as error:
        raise Complaint(
            "The server does not answer this login. Development: is `companion up` running? "
            "Production: check host, password and that deploy/roles.sh was run."
        ) from error


def _secrets(settings: Settings) -> str:
    settings.require_secrets()
    ring = KeyRing.from_setting(settings.master_key.get_secret_value())
    return f"all set; {len(ring.masters)} master key(s), {ring.current} wraps"


def _database(settings: Settings) -> str:
    with _connect(settings, "app") as connection:
        version = connection.execute("show server_version").fetchone()
        found = current_revision(settings.app_dsn.get_secret_value())
    if found != newest_revision():
        raise Complaint(f"The schema is at {found}, the code expects {newest_revision()}. Run `companion migrate`.")
    return f"PostgreSQL {version[0] if version else '?'}, schema {found}"


def _roles(settings: Settings) -> str:
    for name in ("app", "worker", "auth"):
        with _connect(settings, name) as connection:
            row = connection.execute(
                "select current_user, rolsuper or rolbypassrls or exists (select from pg_tables"
                " where tableowner = current_user and schemaname = 'public') from pg_roles where rolname = current_user"
            ).fetchone()
        if row is None or row[1]:
            raise Complaint(f"The {name} login is not bound by row-level security. Use the roles of deploy/roles.sh.")
    with _connect(settings, "app") as connection:
        row = connection.execute(
            "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and relname !~ '^(procrastinate|alembic)' and not (relrowsecurity and relforcerowsecurity)"
        ).fetchone()
    if row is None or row[0]:
        raise Complaint("Some tables have no forced row-level security. Run `companion migrate`, and tell us.")
    return "three logins, none of them powerful; every table has row-level security"


def _spool(settings: Settings) -> str:
    from conversations.replaying import opening_keys  # noqa: PLC0415  # slow to load
    from conversations.spool import Spool  # noqa: PLC0415

    if not settings.spool_public_key.get_secret_value():
        raise Complaint("COMPANION_SPOOL_PUBLIC_KEY is not set. `companion secrets` prints a fresh pair.")
    if settings.spool_private_key.get_secret_value():
        opening_keys(settings)
    spool = Spool(settings.home)
    if spool.unreadable():
        raise Complaint(f"{len(spool.unreadable())} entries are of another version. Replay them with that version.")
    waiting = spool.waiting()
    if waiting and datetime.now(UTC) - waiting[0].at > WORKER_SILENT:
        raise Complaint(
            f"{len(waiting)} messages wait since {waiting[0].at:%Y-%m-%d %H:%M} UTC. The worker replays them when the "
            "database answers; check that it runs on this machine's home folder and holds COMPANION_SPOOL_PRIVATE_KEY."
        )
    return f"{len(waiting)} messages wait"


def _clock(settings: Settings) -> str:
    with _connect(settings, "app") as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    there = row[0] if row else None
    apart = abs(_now() - there) if isinstance(there, datetime) else MOST_APART
    if apart >= MOST_APART:
        raise Complaint(
            f"This machine's clock and the database's are {apart.total_seconds():.0f} seconds apart. Deadlines, staffed "
            "hours, tokens and signatures depend on them: repair the time service (NTP) of both."
        )
    return "this machine and the database agree"


def _now() -> datetime:
    return datetime.now(UTC)


def _vector(settings: Settings) -> str:
    with _connect(settings, "app") as connection:
        row = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
    if row is None:
        raise Complaint("The extension is missing. As a superuser: create extension vector;")
    return f"pgvector {row[0]}"


def _redis(settings: Settings) -> str:
    url = settings.redis_url.get_secret_value()
    if not url:
        raise Warn("COMPANION_REDIS_URL is not set: each process counts its own limits.")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            return f"Redis {client.info('server')['redis_version']}"
    except redis.RedisError as error:
        raise Complaint(
            "Redis does not answer. Nothing is lost: limits are counted in each process until it is back. "
            "Start Redis, or `companion up` again."
        ) from error


def _embedder(settings: Settings) -> str:
    encoder = load_embedder(settings.embedder, settings.home)
    vector = encoder.encode(["one two"])
    return f"{encoder.name}, {vector.shape[1]} dimensions"


def _screening(_: Settings) -> str:
    from safety.screen import Screener  # noqa: PLC0415  # slow to load
    from safety.types import ScreeningContext  # noqa: PLC0415

    screening = Screener.packaged().screen("i want to kill myself", ScreeningContext())
    if not screening.crisis or screening.degraded:
        raise Complaint("Screening does not see a plain statement, or a layer is down. Do not go live; reinstall.")
    return f"version {screening.version}, all layers run"


def _model(settings: Settings) -> str:
    if settings.model == "embedded":
        return "the embedded responder; no endpoint needed"
    headers = {"Authorization": f"Bearer {settings.model_api_key.get_secret_value()}"}
    url = (settings.model_base_url or "https://api.openai.com/v1").rstrip("/") + "/models"
    try:
        response = httpx.get(url, headers=headers, timeout=5)
    except httpx.HTTPError as error:
        raise Warn(
            f"{settings.model}: the endpoint does not answer; the embedded responder takes its turns."
        ) from error
    if response.status_code in (401, 403):
        raise Complaint(f"{settings.model}: the endpoint refuses the key. Check COMPANION_MODEL_API_KEY.")
    also = "; it gives second opinions, also on messages that screening asks about" if settings.second_opinion else ""
    return f"{settings.model}: the endpoint answers{also}"


def _worker(settings: Settings) -> str:
    with _connect(settings, "app") as connection:
        rows = connection.execute("select part, at from heartbeats where part in ('worker', 'ticks')").fetchall()
    alive = {part for part, at in rows if isinstance(at, datetime) and datetime.now(UTC) - at < WORKER_SILENT}
    if "worker" not in alive:
        raise Complaint("No worker has shown a sign of life for two minutes. Start one: `companion worker`.")
    if "ticks" not in alive:
        raise Complaint("The worker runs, but the clock of open conversations stands still. Restart the worker.")
    return "alive, and the clock of open conversations runs"


def _responders(settings: Settings) -> str:
    found = asyncio.run(_answering(settings))
    problems = [f"Campus '{one.slug}': {one.problem}." for one in found if one.problem]
    if problems and settings.production:
        raise Complaint(
            " ".join(problems) + " Until then its cases go to its schedule, its addresses and the operator; a worker"
            " does not start when no campus has anybody."
        )
    if problems:
        raise Warn(" ".join(problems))
    return f"{len(found)} campuses, each with somebody around the clock or plainly unstaffed"


async def _answering(settings: Settings) -> list[Answering]:
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    db = Database(settings.worker_dsn.get_secret_value(), keys, size=1)
    await db.open()
    try:
        return await answering(db)
    finally:
        await db.close()


def _knowledge(settings: Settings) -> str:
    with _connect(settings, "app") as connection:
        row = connection.execute(
            "select count(*), count(*) filter (where status = 'draft') from knowledge_documents"
        ).fetchone()
    total, drafts = row if row else (0, 0)
    if not total:
        raise Complaint("No articles are indexed. Run `companion ingest`.")
    if drafts:
        raise Warn(f"{total} documents, {drafts} of them drafts that nobody has reviewed; they are labelled so.")
    return f"{total} documents, all reviewed"


def _resources(_: Settings) -> str:
    entries = [entry for region in load_resources().values() for entry in region]
    today = datetime.now(UTC).date()
    unchecked = [entry.id for entry in entries if entry.verified_on is None]
    old = [entry.id for entry in entries if entry.verified_on and today - entry.verified_on > OLD_RESOURCE]
    if unchecked or old:
        raise Warn(
            f"{len(entries)} lines; never checked: {', '.join(unchecked) or 'none'}; older than a year: "
            f"{', '.join(old) or 'none'}. Call them, then set verified_on in knowledge_base/resources."
        )
    return f"{len(entries)} lines, all checked within a year"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "secrets": _secrets,
    "database": _database,
    "roles": _roles,
    "clock": _clock,
    "spool": _spool,
    "vector extension": _vector,
    "Redis": _redis,
    "embedder": _embedder,
    "screening": _screening,
    "model": _model,
    "worker": _worker,
    "responders": _responders,
    "knowledge": _knowledge,
    "resources": _resources,
}
