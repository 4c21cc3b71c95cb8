"""Sends a committed notice: at least once, every attempt on record, and a state that is true.

`committed` is on its way, `sent` was accepted for everybody it is for, `failed` names why nobody tries any more. The
moment of the first acceptance is what the student may be told as sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.errors import CompanionError
from core.ids import CaseId, InstitutionId, new_id
from core.logs import get_logger
from db.access import Acting, Tx
from safety.policy import Rung, Tier
from tools.care.alarm import clear_alarm, raise_alarm
from tools.care.channels import NOT_CONFIGURED, Channel, NotSent, Recipient
from tools.care.desk import Desk
from tools.care.ladder import COLLEAGUE, NOT_ACKNOWLEDGED, TO_ANYBODY
from tools.care.notices import Notice, case_link
from tools.care.reach import NO_RECIPIENT, NOBODY_CALLED, check_call
from tools.care.roster import campus_settings, recipients
from tools.care.staffing import is_unstaffed

log = get_logger("care.sending")
FRESH = timedelta(minutes=30)
"""Whoever was called directly within this time before the replay is not called again by the same way for the same thing.

Later rungs call everybody: who was told and has not come is called anew.
"""
TOLD = """
select a.recipient, a.at, d.rung = 'direct'
from deliveries this
join deliveries d on d.id = this.id or (
  d.case_id = this.case_id and d.page_id = this.page_id and d.channel = this.channel and d.rung = 'direct'
  and this.reason <> %(later)s)
join delivery_attempts a on a.delivery_id = d.id
where this.id = %(delivery)s and a.accepted and (d.id = this.id or a.at > this.created_at - %(fresh)s)
"""
GIVE_UP_AFTER = timedelta(hours=24)
ALARM_AFTER_ATTEMPTS = 4
NO_ADDRESS = "no_address"
NOBODY = "nobody"
"""Stands for the recipient in the record of an attempt that found none, or no way to any."""


class Undelivered(CompanionError):
    """A notice has not gone out to everybody yet; it is tried again."""

    code = "undelivered"


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice that is to go out now."""

    notice: Notice
    channel: str
    to: tuple[Recipient, ...]
    """Those who have not got it yet."""
    nobody: bool
    """There is nobody at all on this rung."""
    unstaffed: bool
    """The campus says of itself that nobody answers around the clock."""
    told: bool
    """Somebody has got it already."""
    attempt: int

    @property
    def withheld(self) -> bool:
        """The case became confidential after the notice was committed, and this one was for others."""
        for_a_colleague = self.nobody and self.notice.rung == COLLEAGUE
        return self.notice.confidential and (self.channel in TO_ANYBODY or for_a_colleague)


async def deliver(desk: Desk, who: Acting, delivery: UUID) -> None:
    """Send a committed notice; doing it again is harmless.

    Raises `Undelivered` when somebody has not got it and it should be tried again.
    """
    async with desk.db.acting(who) as tx:
        pending = await _begin(tx, desk, delivery)
    if pending is None:
        return
    channel = desk.channels[pending.channel]
    if not channel.configured:
        await _fail(desk, who, pending, NOT_CONFIGURED, alarm=False)
        return
    if pending.nobody and pending.unstaffed and pending.notice.rung == Rung.LINE_24_7:
        await _fail(desk, who, pending, "unstaffed", alarm=False)
        return
    if pending.withheld:
        await _fail(desk, who, pending, "confidential", alarm=False)
        return
    if pending.nobody:
        await _fail(desk, who, pending, NO_RECIPIENT, alarm=True)
        return
    if pending.notice.test:
        await _rehearse(desk, who, pending, channel)
        return
    reached = [to for to in pending.to if channel.reaches(to)]
    for to in pending.to:
        if to not in reached and pending.attempt == 1:
            await _record_attempt(desk, who, pending, to.label, NO_ADDRESS)
    if pending.to and not reached and not pending.told:
        await _fail(desk, who, pending, NO_ADDRESS, alarm=False)
        return
    errors = await asyncio.gather(*(_send(desk, who, pending, channel, to) for to in reached))
    await _conclude(desk, who, pending, [error for error in errors if error is not None])


async def _begin(tx: Tx, desk: Desk, delivery: UUID) -> Pending | None:
    """Count the attempt and read what is to be sent; None when there is nothing left to do."""
    now = desk.clock.now()
    cursor = await tx.conn.execute(
        "update deliveries d set attempts = attempts + 1 from cases c where d.id = %s and c.id = d.case_id"
        " and d.state = 'committed' and d.channel <> 'console'"
        " returning d.channel, d.tier, d.rung, d.reason, d.created_at, d.recipient_id, d.attempts,"
        " c.id, c.confidential, c.synthetic, c.status",
        (delivery,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    channel, tier, rung, reason, created, recipient, attempt, case, confidential, synthetic, status = row
    if status == "closed":
        await _store_state(tx, delivery, "failed", "case_closed")
        return None
    people = (
        [Recipient("campus")]
        if channel == "webhook"
        else await recipients(tx, rung, at=now, confidential=confidential, account=recipient)
    )
    done = await _told(tx, delivery)
    notice = Notice(
        delivery=delivery,
        case=CaseId(case),
        institution=tx.who.institution_id,
        tier=Tier(tier),
        rung=rung,
        reason=reason,
        committed_at=created,
        link=case_link(desk.settings.public_url, CaseId(case)),
        confidential=confidential,
        test=synthetic,
    )
    left = tuple(to for to in people if to.label not in done)
    return Pending(
        notice,
        channel,
        left,
        nobody=not people,
        unstaffed=is_unstaffed(await campus_settings(tx)),
        told=bool(done),
        attempt=attempt,
    )


async def _told(tx: Tx, delivery: UUID) -> set[str]:
    """Return who has accepted the notice, or the direct call that it follows upon."""
    cursor = await tx.conn.execute(TOLD, {"delivery": delivery, "later": NOT_ACKNOWLEDGED, "fresh": FRESH})
    told = await cursor.fetchall()
    before = [at for _, at, directly in told if directly]
    if before:
        await tx.conn.execute(
            "update deliveries set sent_at = coalesce(sent_at, %s) where id = %s", (min(before), delivery)
        )
    return {recipient for recipient, _, _ in told}


async def _send(desk: Desk, who: Acting, pending: Pending, channel: Channel, to: Recipient) -> NotSent | None:
    """Send to one recipient and record what became of it, before anything else can go wrong."""
    try:
        await channel.send(pending.notice, to)
    except NotSent as error:
        await _record_attempt(desk, who, pending, to.label, error.code)
        return error
    await _record_attempt(desk, who, pending, to.label, None)
    return None


async def _record_attempt(desk: Desk, who: Acting, pending: Pending, recipient: str, error: str | None) -> None:
    now = desk.clock.now()
    async with desk.db.acting(who) as tx:
        await tx.conn.execute(
            "insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted,"
            " error, at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                new_id(), pending.notice.delivery, tx.who.institution_id, tx.who.student_id, recipient,
                pending.attempt, error is None, error, now,
            ),
        )  # fmt: skip
        if error is None:
            await tx.conn.execute(
                "update deliveries set sent_at = coalesce(sent_at, %s) where id = %s", (now, pending.notice.delivery)
            )


async def _conclude(desk: Desk, who: Acting, pending: Pending, errors: list[NotSent]) -> None:
    notice = pending.notice
    if not errors:
        async with desk.db.acting(who) as tx:
            await _store_state(tx, notice.delivery, "sent", None)
        log.info("delivered", delivery=str(notice.delivery), channel=pending.channel, attempt=pending.attempt)
        if not notice.test:
            await clear_alarm(desk, NOBODY_CALLED, notice.institution)
        if pending.attempt >= ALARM_AFTER_ATTEMPTS:
            await clear_alarm(desk, "undelivered", notice.institution)
        return
    worst = errors[0].code
    too_old = desk.clock.now() - notice.committed_at > GIVE_UP_AFTER
    if too_old or all(error.final for error in errors):
        await _fail(desk, who, pending, worst, alarm=True)
        return
    async with desk.db.acting(who) as tx:
        await tx.conn.execute("update deliveries set last_error = %s where id = %s", (worst, notice.delivery))
    log.warning("not_delivered", delivery=str(notice.delivery), channel=pending.channel, attempt=pending.attempt)
    if pending.attempt >= ALARM_AFTER_ATTEMPTS:
        await _alarm(desk, pending, worst)
    raise Undelivered


async def _rehearse(desk: Desk, who: Acting, pending: Pending, channel: Channel) -> None:
    """A synthetic case goes as far as it can without disturbing anybody; what it finds is on record like the rest."""
    try:
        for to in pending.to:
            await channel.rehearse(pending.notice, to)
    except NotSent as error:
        await _record_attempt(desk, who, pending, "rehearsal", error.code)
        await _conclude(desk, who, pending, [error])
        return
    await _record_attempt(desk, who, pending, "rehearsal", None)
    await _conclude(desk, who, pending, [])


async def _fail(desk: Desk, who: Acting, pending: Pending, code: str, *, alarm: bool) -> None:
    if not pending.to or code == NOT_CONFIGURED:
        await _record_attempt(desk, who, pending, NOBODY, code)  # Every other failure has its attempts on record.
    async with desk.db.acting(who) as tx:
        await _store_state(tx, pending.notice.delivery, "failed", code)
    log.error("delivery_failed", delivery=str(pending.notice.delivery), channel=pending.channel, error=code)
    if alarm:
        await _alarm(desk, pending, code)
    if not pending.notice.test:
        await check_call(desk, who, pending.notice.delivery)


async def _alarm(desk: Desk, pending: Pending, code: str) -> None:
    institution: InstitutionId = pending.notice.institution
    if pending.notice.test:
        return  # The probe itself tells what did not arrive.
    if code == NO_RECIPIENT:
        facts = {"rung": pending.notice.rung, "error": code, "confidential": pending.notice.confidential}
        await raise_alarm(desk, NO_RECIPIENT, institution, **facts)
    else:
        await raise_alarm(
            desk, "undelivered", institution, channel=pending.channel, error=code, attempts=pending.attempt
        )


async def _store_state(tx: Tx, delivery: UUID, state: str, error: str | None) -> None:
    await tx.conn.execute(
        "update deliveries set state = %s, last_error = %s where id = %s and state = 'committed'",
        (state, error, delivery),
    )
