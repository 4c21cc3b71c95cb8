"""The ladder: who is called now, who next when nobody acknowledges, and how far it has been climbed.

All rungs of a call are committed with the call itself, as jobs for later; a rung whose turn comes looks whether a person
has acknowledged the case meanwhile. No rung depends on an earlier one having run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from procrastinate import App

from core.ids import AccountId, CaseId, new_id
from db.access import Tx
from db.jobs import defer
from safety.hours import staffed_until
from safety.policy import LadderStep, Rung, Tier, load_policy
from tools.care.cases import record
from tools.care.staffing import Staffing, staffing

ONCE_A_CALL = ("console", "webhook")
"""Channels that reach the institution as a whole: one notice a call, whatever the number of rungs that begin with it."""
TO_ANYBODY = ("webhook",)
"""Channels whose readers nobody here knows: never for a confidential case."""
NOT_ACKNOWLEDGED = "not_acknowledged"
"""Why a later rung is called."""
COLLEAGUE = "colleague"
"""The rung of a notice to one person, outside the ladder."""


async def call(tx: Tx, jobs: App, case: CaseId, tier: Tier, reason: str, *, at: datetime) -> None:
    """Call people about a case at a tier: commit the notices of now and the jobs of every later rung.

    What the student is told of as sent and opened is about one wait. A call long after the last one begins another, and
    an unclaimed case counts as unopened again. Whoever is called can open the case, also where nobody was told before.
    """
    plan = load_policy().tiers[tier]
    fresh = at - load_policy().timing.give_up
    page = await record(tx, case, "called", at=at, facts={"tier": tier, "reason": reason})
    await tx.conn.execute(
        "update cases set acknowledged_at = null, paged_at = case when paged_at >= %s then paged_at else %s end,"
        " first_opened_at = case when status <> 'open' or first_opened_at >= %s then first_opened_at end,"
        " tier = case when tier = 'none' then %s else tier end where id = %s",
        (fresh, at, fresh, tier, case),
    )
    channels = await open_channels_of(tx, case, tier)
    told: set[str] = set()
    for index, step in enumerate(plan.ladder):
        if step.after:
            await _later(tx, jobs, case, page, tier, index, await passed_at(tx, tier, at, step.after))
            continue
        for channel in channels:
            if channel not in ONCE_A_CALL or channel not in told:
                await commit(tx, jobs, case, channel, tier, step.rung, reason, page=page, at=at)
                told.add(channel)
    await ring(tx)


async def passed_at(tx: Tx, tier: Tier, at: datetime, after: timedelta) -> datetime:
    """When so much of a tier's time has passed since a call: for what pages, every hour counts.

    For the rest it counts from when somebody next looks, and for what is meant for the same day only the hours in which
    counselors are there: nobody reads in the four hours after the last shift.
    """
    if tier.pages:
        return at + after
    cursor = await tx.conn.execute(
        "select settings, time_zone from institutions where id = %s", (tx.who.institution_id,)
    )
    row = await cursor.fetchone()
    staff = staffing(row[0], row[1], at) if row else Staffing(True, None)
    if tier is Tier.SAME_DAY:
        return staffed_until(staff.shifts, at, after)
    return (at if staff.now or staff.next_at is None else staff.next_at) + after


async def due_at(tx: Tx, tier: Tier, at: datetime) -> datetime | None:
    """Until when a person must have acknowledged a call of this moment; None where nobody is called."""
    within = load_policy().tiers[tier].ack_within
    return await passed_at(tx, tier, at, within) if within is not None else None


async def climb(tx: Tx, jobs: App, case: CaseId, page: UUID, tier: Tier, index: int, *, at: datetime) -> Rung | None:
    """Call the next rung unless the case was acknowledged since the call; returns the rung that was called."""
    cursor = await tx.conn.execute(
        "select c.status = 'closed' or coalesce(c.acknowledged_at >= e.at, false) from cases c"
        " join case_events e on e.id = %s where c.id = %s for update of c",
        (page, case),
    )
    row = await cursor.fetchone()
    if row is None or row[0]:
        return None
    plan = load_policy().tiers[tier]
    step: LadderStep = plan.ladder[index]
    taken = await tx.conn.execute(
        "select 1 from deliveries where page_id = %s and rung = %s limit 1", (page, step.rung)
    )
    if await taken.fetchone():
        return None
    await record(tx, case, "climbed", at=at, facts={"rung": step.rung, "tier": tier})
    for channel in await open_channels_of(tx, case, tier):
        if channel != "console":
            await commit(tx, jobs, case, channel, tier, step.rung, NOT_ACKNOWLEDGED, page=page, at=at)
    await ring(tx)
    return step.rung


async def open_channels_of(tx: Tx, case: CaseId, tier: Tier) -> tuple[str, ...]:
    """The tier's channels that a case may go out by: a confidential one by those that reach confidential staff alone."""
    cursor = await tx.conn.execute("select confidential from cases where id = %s", (case,))
    row = await cursor.fetchone()
    confidential = row is None or row[0]
    return tuple(name for name in load_policy().tiers[tier].channels if not (confidential and name in TO_ANYBODY))


async def commit(
    tx: Tx,
    jobs: App,
    case: CaseId,
    channel: str,
    tier: Tier,
    rung: Rung | str,
    reason: str,
    *,
    at: datetime,
    page: UUID | None = None,
    recipient: AccountId | None = None,
) -> UUID:
    """Store one notice and its job; both become true with the transaction, or neither does."""
    delivery = new_id()
    await tx.conn.execute(
        "insert into deliveries (id, case_id, institution_id, student_id, channel, reason, created_at, page_id, tier,"
        " rung, recipient_id) select %s, c.id, c.institution_id, c.student_id, %s, %s, %s, %s, %s, %s, %s"
        " from cases c where c.id = %s",
        (delivery, channel, reason, at, page, tier, rung, recipient, case),
    )
    await defer(jobs, tx, "deliver", delivery=delivery)
    return delivery


async def ring(tx: Tx) -> None:
    """Wake the consoles that are open once this is committed; carries the institution, nothing else."""
    await tx.conn.execute("select pg_notify('care', %s)", (str(tx.who.institution_id),))


async def _later(tx: Tx, jobs: App, case: CaseId, page: UUID, tier: Tier, index: int, at: datetime) -> None:
    job = jobs.configure_task("climb", schedule_at=at, connection=tx.conn)
    await job.defer_async(
        institution=str(tx.who.institution_id),
        student=str(tx.who.student_id),
        case=str(case),
        page=str(page),
        tier=tier.value,
        index=index,
    )
