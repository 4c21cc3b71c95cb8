"""Whole turns with a model server that is not ours: whatever it says or breaks, every turn ends with a reply."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from cli.demo import ensure_demo
from core.settings import Settings
from embedding.onnx import OnnxEmbedder
from tests.integration.api.conftest import CRISIS, sign_in
from tests.site import Site

URL = os.environ.get("TINY_LM_URL")
pytestmark = pytest.mark.skipif(URL is None, reason="TINY_LM_URL names no server")


@pytest.fixture
def foreign_site(settings: Settings, encoder: OnnxEmbedder) -> Iterator[Site]:
    over = settings.model_copy(
        update={
            "demo": True,
            "demo_password": SecretStr("a demo password"),
            "model": "openai:./model",
            "model_base_url": URL,
            "model_api_key": SecretStr("unused"),
            "model_timeout_seconds": 60.0,
        }
    )
    site = Site(over, asyncio.run(ensure_demo(over)))
    site.start(worker=False)
    yield site
    site.stop()


def test_every_turn_ends_with_a_reply_whoever_gives_it(foreign_site: Site) -> None:
    maya = sign_in(foreign_site, "student")
    conversation = maya.begin()
    for text in ("hello", "what is due this week?", "I can't sleep, the lab report keeps me up", "break the tool call"):
        events = maya.stream(conversation, text)
        assert events[-1][0] == "done", events
        assert any(name == "sentence" for name, _ in events)
    assert maya.say(conversation, CRISIS)["path"] == "script"
