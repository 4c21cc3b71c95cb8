"""The ways to the operator: mail and the institution's webhook, whichever is configured; in development a page."""

from __future__ import annotations

import time
from email.message import EmailMessage
from typing import Any, Protocol
from uuid import UUID

import httpx
import orjson

from core.ids import InstitutionId
from core.logs import get_logger
from core.settings import Settings
from tools.care.channels import NOT_CONFIGURED, Email, NotSent, Webhook, sender_of
from tools.care.notices import texts

log = get_logger("care.operator")
ABOUT_A_CASE = ("no_recipient", "undelivered", "nobody_called")


class Page(Protocol):
    """Where mail ends up without a mail server."""

    async def write(
        self, institution: InstitutionId | None, address: str, subject: str, body: str, about: UUID, label: str
    ) -> None:
        """Keep one mail."""
        ...


class Operator:
    """Whoever runs the service."""

    def __init__(self, settings: Settings, mail: Email, webhook: Webhook, page: Page | None) -> None:
        self._address, self._sender = settings.alert_email, sender_of(settings)
        self._mail, self._webhook, self._page = mail, webhook, page

    async def tell(self, alarm: UUID, institution: InstitutionId | None, kind: str, facts: dict[str, Any]) -> None:
        """Tell of an alarm by every way there is; one that accepts it is enough.

        Raises `NotSent` when none did: `not_configured` when there is none.
        """
        subject = str(texts()["subject"]["alarm"])
        body = _words(kind, institution, facts)
        failed: NotSent | None = None
        told = False
        for way in (self._by_mail, self._by_webhook):
            try:
                told = await way(alarm, kind, subject, body) or told
            except NotSent as error:
                failed = error
        if told:
            return
        if failed is not None:
            raise failed
        if self._page is None:
            raise NotSent(NOT_CONFIGURED)
        await self._page.write(institution, self._address or "operator", subject, body, alarm, "operator")

    async def _by_mail(self, alarm: UUID, _: str, subject: str, body: str) -> bool:
        if not (self._mail.configured and self._address):
            return False
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, self._address, subject
        message["Message-ID"] = f"<{alarm}@{self._sender.rpartition('@')[2]}>"
        message.set_content(body)
        await self._mail.send_message(message)
        return True

    async def _by_webhook(self, alarm: UUID, kind: str, _: str, body: str) -> bool:
        """Post it, unless it is about a case: nobody here knows who reads the webhook, and cases may be confidential."""
        if not self._webhook.configured or kind in ABOUT_A_CASE:
            return False
        payload = {"type": "alarm", "id": str(alarm), "kind": kind, "text": body, "told_at": int(time.time())}
        await self._webhook.post(str(alarm), orjson.dumps(payload))
        return True


def open_operator(settings: Settings, http: httpx.AsyncClient, page: Page | None = None) -> Operator:
    """The ways that the settings have; `page` keeps what would be mail, for development."""
    mail = Email(settings.smtp_url.get_secret_value(), sender_of(settings))
    webhook = Webhook(http, settings.webhook_url, settings.webhook_secret.get_secret_value())
    return Operator(settings, mail, webhook, page)


def _words(kind: str, institution: InstitutionId | None, facts: dict[str, Any]) -> str:
    """Say an alarm; one without words here, such as that of a newer version, is told by its name, never kept back."""
    try:
        return str(texts()["alarm"][kind]).format(institution=institution or "", **facts)
    except KeyError as error:
        log.error("alarm_without_words", state=kind, exc_info=error)
        return str(texts()["alarm"]["other"]).format(kind=kind, institution=institution or "")
