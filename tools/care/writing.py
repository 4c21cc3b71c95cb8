"""Writes to a student that something waits for them, where they chose to be written to. Never what it is about."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from procrastinate import App, RetryStrategy

from core.errors import CompanionError
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Acting, Tx
from db.jobs import defer
from tools.care.channels import Email, NotSent, sender_of
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk
from tools.people.follow_up import FollowUpBy, read_follow_up
from tools.people.keys import student_key
from tools.people.people import require_student

log = get_logger("care.writing")
TASK = "write_to_student"
LABEL = "student"
_FILE = Path(__file__).with_name("letters.yaml")


class NotWritten(CompanionError):
    """A letter was not taken by the mail server; it is tried again."""

    code = "not_written"


async def write_later(tx: Tx, jobs: App, conversation: ConversationId, about: UUID) -> bool:
    """Put a letter in the queue with the open transaction, if the student chose letters; returns whether they did."""
    if (await read_follow_up(tx)).by is not FollowUpBy.EMAIL:
        return False
    await defer(jobs, tx, TASK, conversation=conversation, about=about)
    return True


def add_writing(app: WorkerApp) -> None:
    """Register the job; a letter that no server takes for most of a day is left, the note itself stands on the page."""

    @app.task(name=TASK, retry=RetryStrategy(max_attempts=20, wait=60, linear_wait=120))
    async def _write(institution: str, student: str, conversation: str, about: str) -> None:
        await write(app.desk, app.desk.acting(institution, student), UUID(conversation), UUID(about))


async def write(desk: Desk, who: Acting, conversation: UUID, about: UUID) -> bool:
    """Write that something waits in a conversation; returns whether a letter went out.

    Not to who chose otherwise meanwhile, or deleted the conversation. The same `about` has the same message id, so a
    letter that is tried again is one letter. Raises `NotWritten` when the mail server refuses for now.
    """
    async with desk.db.acting(who) as tx:
        found = await _address(tx, conversation)
    if found is None:
        return False
    address, language = found
    text = letters().get(language, letters()["en"])
    base = desk.settings.public_url.rstrip("/")
    body = text["body"].format(link=f"{base}/chat/{conversation}", settings=f"{base}/yours")
    mail = Email(desk.settings.smtp_url.get_secret_value(), sender_of(desk.settings))
    if mail.configured:
        await _post(mail, sender_of(desk.settings), address, text["subject"], body, about)
    elif desk.settings.production:
        log.error("letter_not_written", error="COMPANION_SMTP_URL is not set")
        return False
    else:
        await desk.outbox.write(who.institution_id, address, text["subject"], body, about, LABEL)
    return True


async def _address(tx: Tx, conversation: UUID) -> tuple[str, str] | None:
    if (await read_follow_up(tx)).by is not FollowUpBy.EMAIL:
        return None
    cursor = await tx.conn.execute(
        "select a.email_sealed, p.language from accounts a join profiles p on p.account_id = a.id"
        " where a.id = %s and a.status = 'active' and exists (select from conversations c where c.id = %s"
        " and c.student_id = a.id and c.delete_requested_at is null)",
        (require_student(tx), conversation),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    key = await student_key(tx)
    return key.open(row[0], f"accounts.email:{require_student(tx)}"), str(row[1]).partition("-")[0]


async def _post(mail: Email, sender: str, address: str, subject: str, body: str, about: UUID) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, address, subject
    message["Message-ID"] = f"<{about}@{sender.rpartition('@')[2]}>"
    message["Date"], message["Auto-Submitted"] = formatdate(), "auto-generated"
    message.set_content(body)
    try:
        await mail.send_message(message)
    except NotSent as error:
        log.warning("letter_not_written", error=error.code)
        if not error.final:
            raise NotWritten from error


@cache
def letters() -> dict[str, dict[str, str]]:
    """The packaged letters by language."""
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {language: text for language, text in data.items() if language != "version"}
