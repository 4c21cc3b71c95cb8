"""Whether somebody answers around the clock: production does not start before every campus has said how."""

from __future__ import annotations

from core.errors import ConfigurationError
from core.ids import InstitutionId, StudentId
from core.settings import Settings
from db.access import Acting, Database, Role
from tools.care.cases import SERVICE
from tools.care.staffing import responder_problem


async def require_responders(worker: Database, settings: Settings) -> None:
    """Check every campus over the worker's login; raises `ConfigurationError` in production when one has no responder."""
    if not settings.production:
        return
    async with worker.connection() as conn:
        served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
    problems = []
    for (institution,) in served:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(SERVICE))
        async with worker.acting(who) as tx:
            row = await (await tx.conn.execute("select slug, settings from institutions")).fetchone()
        problem = responder_problem(row[1]) if row else None
        if row and problem:
            problems.append(f"Campus '{row[0]}': {problem}.")
    if problems:
        raise ConfigurationError("Production needs a responder. " + " ".join(problems))
