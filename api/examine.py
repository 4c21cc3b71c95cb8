"""How the parts are, as this process sees them: for the operator's page and its API. The full check is `companion doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.health import Part, look
from api.health import State as PartState
from api.parts import Parts
from core.errors import Unavailable
from db.access import Acting
from tools.care.golive.readiness import State

Found = Mapping[Part, PartState]
SILENT = timedelta(minutes=2)
LATE_JOBS = """
select count(*) from procrastinate_jobs where status = 'todo' and coalesce(scheduled_at, %(at)s) < %(late)s
"""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part."""

    name: str
    state: State
    finding: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that stands."""

    kind: str
    raised_at: datetime
    told_at: datetime | None


async def examine(parts: Parts) -> tuple[PartHealth, ...]:
    """Look at every part once; never raises, since what is down is what it is for."""
    found = await look(parts)
    checks = (_screening, _database, _redis, _worker, _jobs, _model, _knowledge)
    return (*[await check(parts, found) for check in checks], *_channels(parts))


async def standing_alarms(parts: Parts, who: Acting) -> tuple[Alarm, ...]:
    """Return the alarms of the operator's campus, and of the service, that stand; newest first."""
    async with parts.db.acting(who) as tx:
        cursor = await tx.conn.execute(
            "select kind, raised_at, told_at from alarms where cleared_at is null order by raised_at desc limit 20"
        )
        return tuple(Alarm(*row) for row in await cursor.fetchall())


async def _database(parts: Parts, found: Found) -> PartHealth:
    if found[Part.DATABASE] is not PartState.OK:
        return PartHealth("Database", State.TODO, "It does not answer. Screening and the fixed reply still work.")
    return PartHealth("Database", State.DONE, "It answers.")


async def _redis(parts: Parts, found: Found) -> PartHealth:
    if not parts.settings.redis_url.get_secret_value():
        return PartHealth("Redis", State.LOOK, "Not set: each process counts its own limits.")
    if found[Part.REDIS] is PartState.OK:
        return PartHealth("Redis", State.DONE, "It answers.")
    return PartHealth("Redis", State.LOOK, "It does not answer. Nothing is lost: limits are counted in each process.")


async def _screening(parts: Parts, found: Found) -> PartHealth:
    match found[Part.SCREENING]:
        case PartState.OK:
            return PartHealth("Screening", State.DONE, "All layers run.")
        case PartState.DEGRADED:
            return PartHealth("Screening", State.TODO, "A layer is down: every message gets the careful reply.")
        case PartState.DOWN:
            return PartHealth("Screening", State.TODO, "It does not answer. Run `companion doctor`; do not serve.")


async def _worker(parts: Parts, found: Found) -> PartHealth:
    try:
        async with parts.db.connection() as conn:
            cursor = await conn.execute("select part, at from heartbeats where part in ('worker', 'ticks')")
            beats = dict(await cursor.fetchall())
    except Unavailable:
        return PartHealth("Worker", State.LOOK, "Not known while the database is down.")
    alive = {part for part, at in beats.items() if parts.clock.now() - at < SILENT}
    if alive == {"worker", "ticks"}:
        return PartHealth("Worker", State.DONE, "It works, and the clock of open conversations runs.")
    missing = "No sign of life" if "worker" not in alive else "The clock of open conversations stands still"
    return PartHealth("Worker", State.TODO, f"{missing}. Start it: `companion worker`. Nothing is delivered meanwhile.")


async def _jobs(parts: Parts, found: Found) -> PartHealth:
    now = parts.clock.now()
    try:
        async with parts.db.connection() as conn:
            row = await (await conn.execute(LATE_JOBS, {"at": now, "late": now - SILENT})).fetchone()
    except Unavailable:
        return PartHealth("Jobs", State.LOOK, "Not known while the database is down.")
    late = row[0] if row else 0
    if late:
        return PartHealth("Jobs", State.TODO, f"{late} are late. The worker is behind, or down.")
    return PartHealth("Jobs", State.DONE, "None is late.")


async def _model(parts: Parts, found: Found) -> PartHealth:
    model = parts.settings.model
    finding = "The embedded responder." if model == "embedded" else f"{model}; the embedded responder stands behind it."
    return PartHealth("Model", State.DONE, finding)


async def _knowledge(parts: Parts, found: Found) -> PartHealth:
    try:
        async with parts.db.connection() as conn:
            cursor = await conn.execute(
                "select count(*), count(*) filter (where status = 'draft') from knowledge_documents"
            )
            total, drafts = await cursor.fetchone() or (0, 0)
    except Unavailable:
        return PartHealth("Articles", State.LOOK, "Not known while the database is down.")
    if not total:
        return PartHealth("Articles", State.TODO, "None is indexed. Run `companion ingest`.")
    if drafts:
        return PartHealth("Articles", State.LOOK, f"{drafts} of {total} are drafts that nobody has reviewed.")
    return PartHealth("Articles", State.DONE, f"{total}, all reviewed.")


def _channels(parts: Parts) -> tuple[PartHealth, ...]:
    settings = parts.settings
    ways = {
        "Mail": bool(settings.smtp_url.get_secret_value()),
        "Text messages": bool(settings.sms_url),
        "Campus system": bool(settings.webhook_url),
        "Alarms to the operator": bool(settings.alert_email),
    }
    local = (
        "Not set: mails are kept on this page." if not settings.production else "Not set: nothing goes out this way."
    )
    missing = {"Mail": State.TODO if settings.production else State.LOOK}
    return tuple(
        PartHealth(name, State.DONE, "Set.")
        if there
        else PartHealth(name, missing.get(name, State.LOOK), local if name == "Mail" else "Not set.")
        for name, there in ways.items()
    )
