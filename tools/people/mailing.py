"""Mails about an account: by SMTP, or into the local outbox where no mail server is set, never in production."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from core.ids import InstitutionId, new_id
from core.logs import get_logger
from core.settings import Settings
from db.access import Database
from tools.care.channels import Email, NotSent, sender_of

log = get_logger("people.mailing")
LETTERS = Path(__file__).with_name("letters.yaml")
TRIES = 3
Letter = Literal["verify_email", "account_exists", "reset_password", "password_changed"]


@dataclass(frozen=True, slots=True)
class Text:
    """A letter's fixed words."""

    subject: str
    body: str


@cache
def letters() -> dict[str, Text]:
    """Read the letters once."""
    found = yaml.safe_load(LETTERS.read_text(encoding="utf-8"))["letters"]
    return {name: Text(**text) for name, text in found.items()}


class Postbox:
    """Sends letters. Nobody waits for it: whether an address is known must not show in how long an answer takes."""

    def __init__(self, auth: Database, settings: Settings) -> None:
        self._db, self._settings = auth, settings
        self._sender = sender_of(settings)
        self._mail = Email(settings.smtp_url.get_secret_value(), self._sender)

    @property
    def reaches_people(self) -> bool:
        """Whether letters leave this machine; an address can be confirmed only then."""
        return self._mail.configured

    async def send(self, letter: Letter, institution: InstitutionId, to: str, *, link: str = "") -> None:
        """Send a letter, trying again when the server does not take it; what failed is in the log without its address."""
        text = letters()[letter]
        body = text.body.format(link=link, public_url=self._settings.public_url.rstrip("/"))
        if not self._mail.configured:
            await self._keep(letter, institution, to, text.subject, body)
            return
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, text.subject
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        message["Date"] = formatdate()
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        for attempt in range(1, TRIES + 1):
            try:
                await self._mail.send_message(message)
            except NotSent as error:
                log.warning("letter_not_sent", letter=letter, attempt=attempt, error=error.code)
            else:
                return
        log.error("letter_lost", letter=letter)

    async def _keep(self, letter: Letter, institution: InstitutionId, to: str, subject: str, body: str) -> None:
        """Into the outbox; a link in it would open an account to whoever reads the outbox, so not in production."""
        if self._settings.production:
            log.error("letter_lost", letter=letter, error="COMPANION_SMTP_URL is not set")
            return
        async with self._db.connection() as conn:
            await conn.execute(
                "insert into outbox (id, institution_id, channel, recipient, subject, body)"
                " values (%s, %s, 'email', %s, %s, %s)",
                (new_id(), institution, to, subject, body),
            )
