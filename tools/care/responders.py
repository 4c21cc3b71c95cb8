"""Whether somebody answers around the clock: production does not start before every campus has said how.

A campus may be added or changed while the worker runs, so it is asked again all the time; the operator is alarmed.
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
    """Check every campus; raises `ConfigurationError` in production when one has no responder."""
    if not settings.production:
        return
    problems = [f"Campus '{one.slug}': {one.problem}." for one in await answering(worker) if one.problem]
    if problems:
        raise ConfigurationError("Production needs a responder. " + " ".join(problems))
