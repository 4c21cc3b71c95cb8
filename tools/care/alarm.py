"""Alarms for the operator: stored, told once while they stand, cleared when the part works again."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.ids import InstitutionId, new_id
from core.logs import get_logger
from tools.care.channels import NotSent, sender_of
from tools.care.desk import Desk
from tools.care.notices import texts
from tools.care.responders import answering

log = get_logger("care.alarm")


async def raise_alarm(desk: Desk, kind: str, institution: InstitutionId | None, **facts: Any) -> bool:
    """Store an alarm and tell the operator, unless the same one stands already; returns whether it is new.

    An alarm that could not be mailed stands untold; `tell_operator` tries it again.
    """
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "insert into alarms (id, institution_id, kind, facts, raised_at) values (%s, %s, %s, %s, %s)"
            " on conflict (kind, coalesce(institution_id, '00000000-0000-0000-0000-000000000000'))"
            " where cleared_at is null do nothing",
            (new_id(), institution, kind, Jsonb(facts), desk.clock.now()),
        )
    if cursor.rowcount == 0:
        return False
    log.error("alarm", state=kind, institution=str(institution))
    await tell_operator(desk)
    return True


async def clear_alarm(desk: Desk, kind: str, institution: InstitutionId | None) -> bool:
    """Mark an alarm as over, so that the next of its kind is told again; returns whether one stood."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "update alarms set cleared_at = %s where kind = %s and institution_id is not distinct from %s"
            " and cleared_at is null",
            (desk.clock.now(), kind, institution),
        )
    return cursor.rowcount == 1


async def check_responders(desk: Desk) -> None:
    """In production, alarm the operator of every campus that has come to have no responder; clear what was repaired."""
    if not desk.settings.production:
        return
    for campus in await answering(desk.db):
        if campus.problem:
            await raise_alarm(desk, "responder", campus.institution, campus=campus.slug, problem=campus.problem)
        else:
            await clear_alarm(desk, "responder", campus.institution)


async def tell_operator(desk: Desk) -> int:
    """Mail every alarm that stands untold; returns how many were told."""
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "select id, institution_id, kind, facts from alarms where told_at is null and cleared_at is null limit 20"
        )
        untold = await cursor.fetchall()
    told = 0
    for alarm, institution, kind, facts in untold:
        try:
            await _mail(desk, alarm, institution, kind, facts)
        except NotSent as error:
            log.error("alarm_not_sent", state=kind, error=error.code)
            continue
        async with desk.db.connection() as conn:
            await conn.execute("update alarms set told_at = %s where id = %s", (desk.clock.now(), alarm))
        told += 1
    return told


async def _mail(desk: Desk, alarm: UUID, institution: InstitutionId | None, kind: str, facts: dict[str, Any]) -> None:
    address = desk.settings.alert_email
    subject = str(texts()["subject"]["alarm"])
    body = str(texts()["alarm"][kind]).format(institution=institution or "", **facts)
    if desk.mail.configured and address:
        message = EmailMessage()
        sender = sender_of(desk.settings)
        message["From"], message["To"], message["Subject"] = sender, address, subject
        message["Message-ID"] = f"<{alarm}@{sender.rpartition('@')[2]}>"
        message.set_content(body)
        await desk.mail.send_message(message)
    elif institution is not None:
        await desk.outbox.write(institution, address or "operator", subject, body, alarm, "operator")
