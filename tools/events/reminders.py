"""Reminders that a student asked for: at their hour, outside their quiet hours, by mail without a word about what.

A reminder is claimed before it is sent and moved on after it, so that a worker that dies sends it late rather than never;
the mail carries an id by which a mailbox knows a double.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import yaml

from core.errors import InvalidInput, NotFound
from core.ids import InstitutionId
from core.logs import get_logger
from db.access import Tx
from tools.care.channels import Email, NotSent, sender_of
from tools.care.delivery import EVERY_MINUTE, WorkerApp
from tools.care.desk import Desk
from tools.events.quiet import quiet_hours, quiet_until
from tools.people.keys import student_key
from tools.people.people import own_zone, require_student
from tools.wellness.instruments.definition import definition

log = get_logger("events.reminders")
MOOD = "mood"
AT_MOST = 200
CLAIM = timedelta(minutes=15)
TOO_LATE = timedelta(hours=3)
"""A reminder that could not be sent for so long is left out; the next one comes at its own time."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """When a student wants to be reminded of a log, in their own time."""

    instrument: str
    every_days: int
    hour: int
    next_at: datetime


async def list_reminders(tx: Tx) -> list[Reminder]:
    """Return the acting student's reminders."""
    cursor = await tx.conn.execute(
        "select instrument, every_days, hour, next_at from reminders where student_id = %s order by instrument",
        (require_student(tx),),
    )
    return [Reminder(*row) for row in await cursor.fetchall()]


async def set_reminder(tx: Tx, instrument: str, *, every_days: int, hour: int, at: datetime) -> Reminder:
    """Remind the acting student from now on; replaces an earlier one. Raises `InvalidInput` and `NotFound`."""
    if instrument != MOOD:
        definition(instrument)
    if not 1 <= every_days <= 31 or not 0 <= hour <= 23:
        raise InvalidInput("A reminder comes every 1 to 31 days, at an hour from 0 to 23.")
    zone = await own_zone(tx)
    first = next_time(at, zone, hour)
    held = quiet_until(first, await quiet_hours(tx), zone)
    if held is not None:
        raise InvalidInput("That hour lies in your quiet hours. Choose another one, or change them.")
    await tx.conn.execute(
        "insert into reminders (student_id, institution_id, instrument, every_days, hour, next_at)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (student_id, instrument) do update"
        " set every_days = excluded.every_days, hour = excluded.hour, next_at = excluded.next_at",
        (require_student(tx), tx.who.institution_id, instrument, every_days, hour, first),
    )
    return Reminder(instrument, every_days, hour, first)


async def end_reminder(tx: Tx, instrument: str) -> None:
    """Send the acting student no more of them; doing it twice changes nothing."""
    await tx.conn.execute(
        "delete from reminders where student_id = %s and instrument = %s", (require_student(tx), instrument)
    )


def next_time(after: datetime, zone: ZoneInfo, hour: int, days: int = 1) -> datetime:
    """The next time that it is `hour` in a zone; with more `days`, that many days on instead of one."""
    local = after.astimezone(zone)
    today = datetime.combine(local.date(), time(hour), zone)
    return (today if days == 1 and today > local else today + timedelta(days=days)).astimezone(after.tzinfo)


def add_reminders(app: WorkerApp) -> None:
    """Register the sweep."""

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="reminders", queueing_lock="reminders", lock="reminders")
    async def _reminders(timestamp: int) -> None:
        await remind(app.desk)


async def remind(desk: Desk) -> int:
    """Send what is due; returns how many went out. One that fails holds up no other."""
    now = desk.clock.now()
    async with desk.db.connection() as conn, conn.transaction():
        cursor = await conn.execute("select * from reminders_claim(%s, %s, %s)", (now, now + CLAIM, AT_MOST))
        due = await cursor.fetchall()
    sent = 0
    for student, institution, instrument in due:
        try:
            sent += await _remind_one(desk, str(institution), str(student), instrument, now)
        except NotSent as error:
            log.warning(
                "reminder_not_sent", error=error.code
            )  # The claim ends by itself, and the next sweep tries again.
        except Exception as error:  # one student's reminder must not hold up those of others
            log.error("reminder_broke", student=str(student), exc_info=error)
    return sent


async def _remind_one(desk: Desk, institution: str, student: str, instrument: str, now: datetime) -> bool:
    who = desk.acting(institution, student)
    async with desk.db.acting(who) as tx:
        cursor = await tx.conn.execute(
            "select every_days, hour from reminders where student_id = %s and instrument = %s for update",
            (who.student_id, instrument),
        )
        row = await cursor.fetchone()
        if row is None:
            return False  # Ended meanwhile.
        every_days, hour = row
        zone = await own_zone(tx)
        held = quiet_until(now, await quiet_hours(tx), zone)
        if held is not None:
            await _move(tx, instrument, held)
            return False
        today = datetime.combine(now.astimezone(zone).date(), time(hour), zone)
        meant = now - today.astimezone(now.tzinfo)
        following = next_time(now, zone, hour, every_days)
        if meant > TOO_LATE or await _done_today(tx, instrument, now, zone):
            await _move(tx, instrument, following)
            return False
        address = await _address(tx)
        await _mail(desk, UUID(institution), address, uuid5(UUID(student), f"{instrument}:{today.date()}"))
        await _move(tx, instrument, following, sent_at=now)
    return True


async def _move(tx: Tx, instrument: str, to: datetime, *, sent_at: datetime | None = None) -> None:
    await tx.conn.execute(
        "update reminders set next_at = %s, sent_at = coalesce(%s, sent_at) where student_id = %s and instrument = %s",
        (to, sent_at, require_student(tx), instrument),
    )


async def _done_today(tx: Tx, instrument: str, now: datetime, zone: ZoneInfo) -> bool:
    """Whether it is filled in for today already: then there is nothing to remind of."""
    today = now.astimezone(zone).date()
    query = (
        "select exists (select from mood_logs where student_id = %s and logged_at >= %s)"
        if instrument == MOOD
        else "select exists (select from entries where student_id = %s and day = %s and instrument = %s)"
    )
    begins = datetime.combine(today, time(), zone)
    asked = (require_student(tx), begins) if instrument == MOOD else (require_student(tx), today, instrument)
    row = await (await tx.conn.execute(query, asked)).fetchone()
    return bool(row and row[0])


async def _address(tx: Tx) -> str:
    student = require_student(tx)
    cursor = await tx.conn.execute("select email_sealed from accounts where id = %s", (student,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    return (await student_key(tx)).open(row[0], f"accounts.email:{student}")


async def _mail(desk: Desk, institution: UUID, address: str, about: UUID) -> None:
    """Send the letter, by SMTP or into the outbox; raises `NotSent`."""
    words, channel = _letter(), desk.channels["email"]
    body = words["body"].format(public_url=desk.settings.public_url.rstrip("/"))
    if not isinstance(channel, Email):
        await desk.outbox.write(InstitutionId(institution), address, words["subject"], body, about, "student")
        return
    sender = sender_of(desk.settings)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, address, words["subject"]
    message["Message-ID"] = f"<{about}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    await channel.send_message(message)


@cache
def _letter() -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load(Path(__file__).with_name("reminders.yaml").read_text(encoding="utf-8"))
    return found
