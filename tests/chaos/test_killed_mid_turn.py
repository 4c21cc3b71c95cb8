"""kill -9 of the API while a slow model is answering: the student finds the whole reply, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from cli.demo import ensure_demo
from core.ids import new_id
from core.settings import Settings
from embedding.onnx import OnnxEmbedder
from simulators.run import Running, serve_in_process
from tests.integration.api.conftest import parse_events, sign_in
from tests.site import Site


@pytest.fixture
def model() -> Iterator[Running]:
    with serve_in_process("simulators.llm", "--first-token-ms", "50", "--per-token-ms", "150") as running:
        yield running


@pytest.fixture
def slow_site(settings: Settings, encoder: OnnxEmbedder, model: Running) -> Iterator[Site]:
    over = settings.model_copy(
        update={
            "demo": True,
            "demo_password": SecretStr("a demo password"),
            "model": "openai:simulated",
            "model_base_url": f"{model.base_url}/v1",
            "model_api_key": SecretStr("none"),
            "turn_lease_seconds": 2,
        }
    )
    site = Site(over, asyncio.run(ensure_demo(over)))
    site.start(worker=False)
    yield site
    site.stop()


def test_a_killed_api_loses_nothing_and_doubles_nothing(slow_site: Site) -> None:
    maya = sign_in(slow_site, "student")
    conversation, key = maya.begin(), str(new_id())
    path = f"/conversations/{conversation}/turns"
    headers = {"Accept": "text/event-stream", "Idempotency-Key": key}
    words = {"text": "the lab report is due friday and i keep cleaning my room"}
    turn, seen = "", []
    with pytest.raises(httpx.TransportError), maya.http.stream("POST", path, json=words, headers=headers) as response:
        turn = response.headers["x-turn-id"]
        for line in response.iter_lines():
            seen.append(line)
            if line.startswith("event: sentence"):
                slow_site.kill_api()
    assert turn
    assert not any("event: done" in line for line in seen)
    slow_site.start(worker=False)
    with maya.http.stream("GET", f"{path}/{turn}/events", timeout=60) as response:
        events = parse_events(response.iter_lines())
    assert events[-1][0] == "done"
    resent = maya.say(conversation, words["text"], key)
    assert resent["turn_id"] == turn
    stored = maya.messages(conversation)
    assert [entry["author"] for entry in stored] == ["student", "companion"]
    assert (
        stored[1]["text"] == "".join(data["text"] + data["ends"] for name, data in events if name == "sentence").strip()
    )
