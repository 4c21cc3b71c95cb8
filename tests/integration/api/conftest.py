"""Clients of the running service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest

from core.ids import new_id
from tests.site import Site

CRISIS = "I want to kill myself tonight and I have the pills right here"


@dataclass
class Client:
    """One person at the API."""

    http: httpx.Client

    def begin(self) -> str:
        response = self.http.post("/conversations")
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def say(self, conversation: str, text: str, key: str | None = None) -> dict[str, Any]:
        response = self.http.post(
            f"/conversations/{conversation}/turns",
            json={"text": text},
            headers={"Idempotency-Key": key or str(new_id())},
        )
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def stream(self, conversation: str, text: str) -> list[tuple[str, dict[str, Any]]]:
        headers = {"Accept": "text/event-stream", "Idempotency-Key": str(new_id())}
        with self.http.stream(
            "POST", f"/conversations/{conversation}/turns", json={"text": text}, headers=headers
        ) as response:
            assert response.status_code == 200
            return parse_events(response.iter_lines())

    def messages(self, conversation: str) -> list[dict[str, Any]]:
        """What was said; notices about the software itself have tests of their own."""
        found: list[dict[str, Any]] = self.http.get(f"/conversations/{conversation}/messages").json()["items"]
        return [message for message in found if "notice" not in message["extras"]]


def parse_events(lines: Iterator[str]) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events: name and data."""
    events, name = [], ""
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            events.append((name, orjson.loads(line[5:])))
    return events


def sign_in(site: Site, role: str, number: int = 0) -> Client:
    login = site.login(role, number)
    http = httpx.Client(base_url=f"{site.address}/api/v1", timeout=30)
    response = http.post("/auth/login", json={"email": login.email, "password": login.password})
    assert response.status_code == 200, response.text
    http.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
    return Client(http)


@pytest.fixture
def maya(site: Site) -> Iterator[Client]:
    client = sign_in(site, "student", 0)
    yield client
    client.http.close()


@pytest.fixture
def jonas(site: Site) -> Iterator[Client]:
    client = sign_in(site, "student", 1)
    yield client
    client.http.close()


@pytest.fixture
def rosa(site: Site) -> Iterator[Client]:
    client = sign_in(site, "counselor", 0)
    yield client
    client.http.close()
