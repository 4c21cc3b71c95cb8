"""Whether anybody answers, can be reached, and was reached: the alarms for a call that no channel carried.

A campus without a way out is known before anybody needs it. A call all of whose notices failed is an alarm at once,
whatever each failure says by itself.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.ids import InstitutionId, StudentId
from core.logs import get_logger
from db.access import Acting, Role
from safety.policy import Rung
from tools.care.alarm import amend_alarm, clear_alarm, raise_alarm, standing_facts
from tools.care.cases import SERVICE
from tools.care.desk import Desk
from tools.care.responders import answering
from tools.care.roster import recipients

log = get_logger("care.reach")
NO_WAY, NOBODY_CALLED, NO_RECIPIENT = "no_way_out", "nobody_called", "no_recipient"
CALL = """
select array_agg(distinct d.channel || ': ' || coalesce(d.last_error, d.state)),
       bool_and(d.state = 'failed' and d.sent_at is null), min(d.case_id::text)
from deliveries d
where d.channel <> 'console'
  and d.page_id is not distinct from (select page_id from deliveries where id = %(delivery)s)
  and d.case_id = (select case_id from deliveries where id = %(delivery)s)
"""


async def check_every_campus(desk: Desk) -> int:
    """Raise the alarm for each campus none of whose channels reaches anybody, clear it for the others; returns how many."""
    async with desk.db.connection() as conn:
        served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
    unreachable = 0
    for (institution,) in served:
        campus = InstitutionId(institution)
        if await _reaches_somebody(desk, campus):
            await clear_alarm(desk, NO_WAY, campus)
        else:
            unreachable += 1
            await raise_alarm(desk, NO_WAY, campus)
        if await _rung_is_filled(desk, campus):
            await clear_alarm(desk, NO_RECIPIENT, campus)
    return unreachable


async def _reaches_somebody(desk: Desk, campus: InstitutionId) -> bool:
    """Whether a call of this moment would get out by any configured channel."""
    if desk.channels["webhook"].configured:
        return True
    who = Acting(campus, SERVICE, Role.STUDENT, StudentId(SERVICE))
    async with desk.db.acting(who) as tx:
        people = [
            to for rung in (Rung.ON_CALL, Rung.LINE_24_7) for to in await recipients(tx, rung, at=desk.clock.now())
        ]
    return any(channel.configured and channel.reaches(to) for channel in desk.channels.values() for to in people)


async def check_responders(desk: Desk) -> None:
    """In production, alarm the operator of every campus that has come to have no responder; clear what was repaired."""
    if not desk.settings.production:
        return
    for campus in await answering(desk.db):
        if campus.problem:
            await raise_alarm(desk, "responder", campus.institution, campus=campus.slug, problem=campus.problem)
        else:
            await clear_alarm(desk, "responder", campus.institution)


async def check_call(desk: Desk, who: Acting, delivery: UUID) -> bool:
    """Raise the alarm when every notice of a call has failed by now; returns whether that is so.

    The operator is the last to hear of a case that nobody else was told of, so each case is told, and each once.
    """
    async with desk.db.acting(who) as tx:
        row = await (await tx.conn.execute(CALL, {"delivery": delivery})).fetchone()
    if row is None or not row[1]:
        return False
    errors, _, case = row

    def with_this(standing: dict[str, Any] | None) -> dict[str, Any] | None:
        cases = [*standing.get("cases", ())] if standing else []
        if case in cases:
            return None
        return {"errors": ", ".join(sorted(errors)), "cases": [*cases, case], "count": len(cases) + 1}

    await amend_alarm(desk, NOBODY_CALLED, who.institution_id, with_this)
    return True


async def _rung_is_filled(desk: Desk, campus: InstitutionId) -> bool:
    """Whether there is somebody again on the rung of a standing alarm."""
    missing = await standing_facts(desk, NO_RECIPIENT, campus)
    if missing is None:
        return False
    async with desk.db.acting(Acting(campus, SERVICE, Role.STUDENT, StudentId(SERVICE))) as tx:
        confidential = bool(missing.get("confidential"))
        return bool(await recipients(tx, missing["rung"], at=desk.clock.now(), confidential=confidential))
