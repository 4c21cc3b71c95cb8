"""Whether somebody answers around the clock: production does not start before a campus has said how.

Among many campuses one that has nobody is alarmed to the operator and served all the same: the others are not left
without deliveries for its sake. Each is asked again all the time, since it may be added or changed while the worker runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ConfigurationError
from core.ids import InstitutionId, StudentId
from core.settings import Settings
from db.access import Acting, Database, Role
from tools.care.cases import SERVICE
from tools.care.staffing import responder_problem


@dataclass(frozen=True, slots=True)
class Answering:
    """What a campus says about who answers."""

    institution: InstitutionId
    slug: str
    problem: str | None
    """Why it may not go live; None when somebody answers, or it says plainly that nobody does."""


async def answering(worker: Database) -> list[Answering]:
    """Read every campus over the worker's login."""
    async with worker.connection() as conn:
        served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
    found = []
    for (institution,) in served:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(SERVICE))
        async with worker.acting(who) as tx:
            row = await (await tx.conn.execute("select slug, settings from institutions")).fetchone()
        if row is not None:
            found.append(Answering(InstitutionId(institution), row[0], responder_problem(row[1])))
    return found


async def require_responders(worker: Database, settings: Settings) -> None:
    """Check every campus; raises `ConfigurationError` in production when there are campuses and none has a responder."""
    if not settings.production:
        return
    found = await answering(worker)
    problems = [f"Campus '{one.slug}': {one.problem}." for one in found if one.problem]
    if problems and len(problems) == len(found):
        raise ConfigurationError("Production needs a responder. " + " ".join(problems))
