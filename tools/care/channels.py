"""The ways out: e-mail, signed webhook, text message. One protocol; none of them carries a student's words.

A channel raises `NotSent` with a short code. Idempotency is the receiver's: every channel sends the key of the notice,
the same at every attempt.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx
import orjson

from core.settings import Settings
from tools.care.notices import Notice
from tools.care.signing import sign

TIMEOUT_SECONDS = 15.0
NOT_CONFIGURED = "not_configured"


class NotSent(Exception):
    """A notice did not go out; `final` means that trying again cannot help until somebody changes something."""

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.code, self.final = code, final


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice is for; `label` names them in the record without an address."""

    label: str
    email: str | None = None
    phone: str | None = None


class Channel(Protocol):
    """One way out."""

    @property
    def configured(self) -> bool:
        """Whether there is anything to send with."""
        ...

    def reaches(self, to: Recipient) -> bool:
        """Whether the recipient has an address for this channel."""
        ...

    async def send(self, notice: Notice, to: Recipient) -> None:
        """Send; returns once the next hop has accepted it. Raises `NotSent`."""
        ...

    async def rehearse(self, notice: Notice, to: Recipient) -> None:
        """Go as far as possible without disturbing anybody. Raises `NotSent`."""
        ...


class Email:
    """E-mail by SMTP."""

    def __init__(self, smtp_url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(smtp_url), sender

    @property
    def configured(self) -> bool:
        return bool(self._url.hostname)

    def reaches(self, to: Recipient) -> bool:
        return bool(to.email)

    async def send(self, notice: Notice, to: Recipient) -> None:
        await self.send_message(compose(notice, to, self._sender))

    async def rehearse(self, notice: Notice, to: Recipient) -> None:
        """Sign in and have the server accept sender and recipient; no message is sent."""
        try:
            async with self._client() as server:
                await server.mail(self._sender)
                await server.rcpt(to.email or self._sender)
                await server.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _not_sent(error) from error

    async def send_message(self, message: EmailMessage) -> None:
        """Hand a message to the mail server; raises `NotSent`."""
        try:
            async with self._client() as server:
                await server.send_message(message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _not_sent(error) from error

    def _client(self) -> aiosmtplib.SMTP:
        tls = self._url.scheme == "smtps"
        return aiosmtplib.SMTP(
            hostname=self._url.hostname,
            port=self._url.port or (465 if tls else 587),
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            use_tls=tls,
            timeout=TIMEOUT_SECONDS,
        )


class Webhook:
    """The institution's own endpoint, signed."""

    def __init__(self, http: httpx.AsyncClient, url: str | None, secret: str) -> None:
        self._http, self._url, self._secret = http, url, secret

    @property
    def configured(self) -> bool:
        return bool(self._url)

    def reaches(self, to: Recipient) -> bool:
        return True

    async def send(self, notice: Notice, to: Recipient) -> None:
        await self.post(str(notice.delivery), orjson.dumps(notice.payload()))

    async def post(self, key: str, body: bytes) -> None:
        """Post a body under its idempotency key, signed; raises `NotSent`."""
        stamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(self._secret, key, stamp, body),
        }
        await _post(self._http, self._url or "", body, headers)

    async def rehearse(self, notice: Notice, to: Recipient) -> None:
        """Send it as what it is: its type is `test`."""
        await self.send(notice, to)


class Sms:
    """A text message by a generic HTTP gateway, signed and idempotent by key."""

    def __init__(self, http: httpx.AsyncClient, url: str | None, secret: str) -> None:
        self._http, self._url, self._secret = http, url, secret

    @property
    def configured(self) -> bool:
        return bool(self._url)

    def reaches(self, to: Recipient) -> bool:
        return bool(to.phone)

    async def send(self, notice: Notice, to: Recipient) -> None:
        body = orjson.dumps({"to": to.phone, "body": notice.sms})
        key, stamp = key_for(notice, to), int(time.time())
        headers = {
            "content-type": "application/json",
            "idempotency-key": key,
            "x-timestamp": str(stamp),
            "x-signature": sign(self._secret, key, stamp, body),
        }
        await _post(self._http, self._url or "", body, headers)

    async def rehearse(self, notice: Notice, to: Recipient) -> None:
        """A gateway has no way to try without a telephone ringing."""
        raise NotSent("not_rehearsed", final=True)


def open_channels(settings: Settings, http: httpx.AsyncClient) -> Mapping[str, Channel]:
    """The channels as the settings have them; what is not configured is there and says so."""
    secret = settings.webhook_secret.get_secret_value()
    return {
        "email": Email(settings.smtp_url.get_secret_value(), sender_of(settings)),
        "webhook": Webhook(http, settings.webhook_url, secret),
        "sms": Sms(http, settings.sms_url, secret),
    }


def compose(notice: Notice, to: Recipient, sender: str) -> EmailMessage:
    """Write the mail of a notice; its Message-ID is the same at every attempt."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to.email, notice.subject
    message["Message-ID"] = f"<{key_for(notice, to)}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(notice.committed_at)
    message["Auto-Submitted"] = "auto-generated"
    if notice.tier.pages and not notice.test:
        message["Importance"] = "high"
    message.set_content(notice.body)
    return message


def key_for(notice: Notice, to: Recipient) -> str:
    """The idempotency key of a notice to one recipient."""
    return f"{notice.delivery}.{hashlib.sha256(to.label.encode()).hexdigest()[:8]}"


def sender_of(settings: Settings) -> str:
    """The address mails come from."""
    return f"companion@{urlsplit(settings.public_url).hostname or 'localhost'}"


def _not_sent(error: Exception) -> NotSent:
    """The short code of what a mail server or the way to it did."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return NotSent(f"smtp_{error.recipients[0].code}")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return NotSent(f"smtp_{error.code}")
    if isinstance(error, TimeoutError):
        return NotSent("timeout")
    return NotSent("unreachable")


async def _post(http: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        response = await http.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except httpx.TimeoutException as error:
        raise NotSent("timeout") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent("unreachable") from error
    if not response.is_success:
        raise NotSent(f"refused_{response.status_code}", final=response.status_code == httpx.codes.GONE)
