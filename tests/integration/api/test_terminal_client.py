"""The terminal client, at the running service."""

from __future__ import annotations

import httpx
import pytest

from cli import chat
from cli.console import err, out
from tests.integration.api.conftest import CRISIS
from tests.site import Site


def client_of(site: Site) -> httpx.Client:
    client = httpx.Client(base_url=f"{site.address}/api/v1", timeout=30)
    login = site.login("student", 2)
    tokens = client.post("/auth/login", json={"email": login.email, "password": login.password}).json()
    client.auth = chat.Session(str(client.base_url), tokens | {"access_token": "ended"})
    return client


def test_an_ended_access_token_costs_no_message_and_a_crisis_shows_its_lines(site: Site) -> None:
    client = client_of(site)
    with out.capture() as shown:
        conversation = chat._post(client, "/conversations")["id"]
        chat._turn(client, conversation, "the lab report is due friday")
        choices = chat._turn(client, conversation, CRISIS)
        messages = client.get(f"/conversations/{conversation}/messages").json()["items"]
    assert [entry["author"] for entry in messages[:3]] == ["script", "student", "companion"], "the notice comes first"
    assert messages[2]["text"].split(".")[0] in " ".join(shown.get().split())
    assert choices
    assert "988" in shown.get()


def test_a_service_that_does_not_answer_is_said_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "PAUSE_SECONDS", 0)
    with httpx.Client(base_url="http://127.0.0.1:9/api/v1") as client, err.capture() as shown:
        assert chat._turn(client, "any", "hello") == []
    assert "does not answer" in shown.get()
