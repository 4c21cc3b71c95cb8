"""Real servers at the other end: a mail server that refuses, a webhook and a gateway that lose answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.settings import Settings
from simulators.run import Running, serve_in_process
from simulators.signing import SECRET_VARIABLE
from tests.integration.care.conftest import WORDS, Campus, drain, open_worker, until
from tools.care import channels
from tools.care.delivery import WorkerApp


class MailServer:
    """Keeps what it accepts, refuses as long as it is told to."""

    def __init__(self) -> None:
        self.refuse: str | None = None
        self.mails: list[Any] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse is not None:
            return self.refuse
        self.mails.append(message_from_bytes(envelope.original_content or b""))
        return "250 OK"


@pytest.fixture
async def mail() -> AsyncIterator[tuple[MailServer, str]]:
    """A mail server on a free port."""
    handler = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    yield handler, f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
def receivers() -> Iterator[tuple[Running, Running]]:
    environment = {SECRET_VARIABLE: "shared-secret"}
    with (
        serve_in_process("simulators.webhook", environment=environment) as webhook,
        serve_in_process("simulators.sms", environment=environment) as sms,
    ):
        yield webhook, sms


@pytest.fixture
def outside(settings: Settings, mail: tuple[MailServer, str], receivers: tuple[Running, Running]) -> Settings:
    """Settings with every channel configured."""
    webhook, sms = receivers
    webhook.control.reset()
    sms.control.reset()
    return settings.model_copy(
        update={
            "smtp_url": type(settings.smtp_url)(mail[1]),
            "webhook_url": f"{webhook.base_url}/hook",
            "sms_url": f"{sms.base_url}/messages",
            "webhook_secret": type(settings.webhook_secret)("shared-secret"),
        }
    )


@pytest.fixture
async def connected(campus: Campus, outside: Settings) -> AsyncIterator[WorkerApp]:
    campus.change('update institutions set settings = settings || \'{"escalation_phone": "+15550100123"}\'')
    async for app in open_worker(outside, campus.clock):
        yield app


async def test_all_channels_carry_the_same_case_and_no_words(
    campus: Campus, connected: WorkerApp, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    conversation = await campus.crisis()
    await drain(connected)
    case = str(await campus.case_of(conversation))
    [message] = mail[0].mails
    [payload] = receivers[0].control.read("/deliveries").values()
    [text] = receivers[1].control.read("/phone")
    assert case in message.get_payload() and case in payload["link"] and case in text["body"]
    everything = f"{message}{payload}{text}"
    for secret in (WORDS, "pills", "Maya", "maya@"):
        assert secret not in everything
    states = campus.rows("select channel, state from deliveries where channel <> 'console'")
    assert {row["state"] for row in states} == {"sent"}


async def test_a_mail_server_that_refuses_gets_it_later_with_the_same_id(
    campus: Campus, connected: WorkerApp, mail: tuple[MailServer, str]
) -> None:
    server, _ = mail
    server.refuse = "451 try again later"
    await campus.crisis()
    await drain(connected)
    assert server.mails == []
    [row] = campus.rows("select state, sent_at, last_error, id from deliveries where channel = 'email'")
    assert (row["state"], row["sent_at"], row["last_error"]) == ("committed", None, "smtp_451")
    server.refuse = None
    campus.make_retries_due()
    await drain(connected)
    [message] = server.mails
    assert str(row["id"]) in message["Message-ID"]
    [row] = campus.rows("select state, attempts from deliveries where channel = 'email'")
    assert row == {"state": "sent", "attempts": 2}


async def test_an_answer_that_is_lost_is_asked_for_again_and_handled_once(
    campus: Campus, connected: WorkerApp, receivers: tuple[Running, Running]
) -> None:
    webhook, sms = receivers
    webhook.control.set_faults({"kind": "server_error", "handled": True})
    sms.control.set_faults({"kind": "server_error", "accepted": True})
    await campus.crisis()
    await drain(connected)
    waiting = campus.rows("select channel from deliveries where state = 'committed' and channel <> 'console'")
    assert {row["channel"] for row in waiting} == {"webhook", "sms"}
    campus.make_retries_due()
    await drain(connected)
    assert len(webhook.control.read("/deliveries")) == 1
    assert len(sms.control.read("/phone")) == 1
    assert [entry["outcome"] for entry in webhook.control.requests()] == ["fault: server_error", "known"]
    assert campus.rows("select 1 from deliveries where state = 'committed' and channel <> 'console'") == []


async def test_one_channel_that_hangs_does_not_hold_up_the_others(
    campus: Campus,
    connected: WorkerApp,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "TIMEOUT_SECONDS", 2.0)
    webhook, _ = receivers
    webhook.control.set_faults({"kind": "timeout"})
    await campus.crisis()
    working = asyncio.create_task(drain(connected))
    await until(lambda: bool(mail[0].mails))
    assert campus.rows("select 1 from deliveries where channel = 'webhook' and state = 'committed'")
    await working
