"""The SMS gateway and the webhook receiver over real sockets."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from simulators.run import Running, serve_in_process
from simulators.signing import SECRET_VARIABLE, sign

SECRET = "whsec_bm90IGEgcmVhbCBzZWNyZXQ="
TEXT = {"to": "+15550100123", "body": "Someone needs you: https://companion.example/c/1"}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Running, Running]]:
    environment = {SECRET_VARIABLE: SECRET}
    with (
        serve_in_process("simulators.sms", environment=environment) as sms,
        serve_in_process("simulators.webhook", environment=environment) as webhook,
    ):
        yield sms, webhook


@pytest.fixture
def sms(servers: tuple[Running, Running]) -> Running:
    servers[0].control.reset()
    return servers[0]


@pytest.fixture
def webhook(servers: tuple[Running, Running]) -> Running:
    servers[1].control.reset()
    return servers[1]


def text(
    sms: Running, key: str = "k1", message: dict[str, str] = TEXT, secret: str = SECRET, age: int = 0
) -> httpx.Response:
    body = json.dumps(message).encode()
    stamp = int(time.time()) - age
    signature = sign(secret, key, stamp, body)
    headers = {"Idempotency-Key": key, "X-Timestamp": str(stamp), "X-Signature": signature}
    return httpx.post(f"{sms.base_url}/messages", content=body, headers=headers, timeout=0.5)


def deliver(
    webhook: Running, delivery: str = "d1", body: bytes = b'{"case": 1}', secret: str = SECRET
) -> httpx.Response:
    stamp = int(time.time())
    headers = {
        "webhook-id": delivery,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(secret, delivery, stamp, body),
    }
    return httpx.post(f"{webhook.base_url}/hook", content=body, headers=headers, timeout=0.5)


def phone(sms: Running) -> list[str]:
    return [message["key"] for message in sms.control.read("/phone")]


def test_a_message_reaches_the_phone_once_however_often_it_is_sent(sms: Running) -> None:
    first, again, other = text(sms), text(sms), text(sms, "k2")
    assert [first.status_code, again.status_code, other.status_code] == [202, 200, 202]
    assert first.json() == again.json()
    assert phone(sms) == ["k1", "k2"]


def test_another_message_under_a_used_key_is_refused(sms: Running) -> None:
    text(sms)
    assert text(sms, message={**TEXT, "body": "other"}).status_code == 409
    assert phone(sms) == ["k1"]


def test_unsigned_forged_and_old_messages_are_refused(sms: Running) -> None:
    assert httpx.post(f"{sms.base_url}/messages", json=TEXT).status_code == 401
    assert text(sms, secret="another").status_code == 401
    assert text(sms, age=3600).status_code == 401
    assert text(sms, message={**TEXT, "to": "0100"}).status_code == 422
    assert phone(sms) == []
    assert len(sms.control.requests()) == 4


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("kind", ["server_error", "timeout"])
def test_after_a_fault_a_resend_arrives_exactly_once(sms: Running, kind: str, accepted: bool) -> None:
    sms.control.set_faults({"kind": kind, "accepted": accepted})
    if kind == "timeout":
        with pytest.raises(httpx.ReadTimeout):
            text(sms)
    else:
        assert text(sms).status_code == 500
    assert phone(sms) == (["k1"] if accepted else [])
    assert text(sms).status_code == (200 if accepted else 202)
    assert phone(sms) == ["k1"]


def test_a_gateway_may_double_a_message(sms: Running) -> None:
    sms.control.set_faults({"kind": "duplicate"})
    assert text(sms).status_code == 202
    assert phone(sms) == ["k1", "k1"]


def test_a_delivery_is_handled_once(webhook: Running) -> None:
    assert [deliver(webhook).status_code, deliver(webhook).status_code] == [204, 204]
    assert webhook.control.read("/deliveries") == {"d1": {"case": 1}}
    assert [entry["outcome"] for entry in webhook.control.requests()] == ["handled", "known"]


def test_forged_and_broken_deliveries_are_refused(webhook: Running) -> None:
    assert httpx.post(f"{webhook.base_url}/hook", json={}).status_code == 401
    assert deliver(webhook, secret="another").status_code == 401
    assert deliver(webhook, body=b"{").status_code == 400
    assert webhook.control.read("/deliveries") == {}


@pytest.mark.parametrize(("kind", "status"), [("server_error", 500), ("gone", 410), ("timeout", None)])
def test_a_failing_receiver_may_have_handled_the_delivery(webhook: Running, kind: str, status: int | None) -> None:
    webhook.control.set_faults({"kind": kind, "handled": True})
    if status is None:
        with pytest.raises(httpx.ReadTimeout):
            deliver(webhook)
    else:
        assert deliver(webhook).status_code == status
    assert deliver(webhook).status_code == 204
    assert [entry["outcome"] for entry in webhook.control.requests()] == [f"fault: {kind}", "known"]
