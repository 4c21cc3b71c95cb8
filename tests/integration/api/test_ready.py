"""Ready means: students are answered safely. The database's state is told beside it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from api import health
from api.app import create_app
from api.parts import Parts, open_parts
from core.ids import new_id
from core.settings import Settings
from db.access import Acting
from tests.integration.api.conftest import CRISIS
from tools.people.tokens import AccessTokens


@pytest.fixture
async def cut_off(settings: Settings) -> AsyncIterator[tuple[Parts, httpx.AsyncClient]]:
    """An API that starts while its database is gone."""
    gone = f"{settings.app_dsn.get_secret_value()} dbname=no_such_database"
    over = settings.model_copy(update={"app_dsn": type(settings.app_dsn)(gone)})
    async with open_parts(over) as parts:
        transport = httpx.ASGITransport(create_app(over, parts))
        app: Any = transport.app
        app.state.parts = parts
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            yield parts, http


def up(part: str) -> float | None:
    return REGISTRY.get_sample_value("companion_part_up", {"part": part})


async def test_without_the_database_it_is_ready_says_so_and_answers_a_crisis(
    cut_off: tuple[Parts, httpx.AsyncClient],
) -> None:
    parts, http = cut_off
    told = await http.get("/health/ready")
    assert told.status_code == 200
    assert told.json() == {
        "status": "degraded", "parts": {"screening": "ok", "database": "down", "redis": "ok"}
    }  # fmt: skip
    shown = (await http.get("/metrics")).text
    assert 'companion_part_up{part="database"} 0.0' in shown and 'companion_part_up{part="screening"} 1.0' in shown
    student = Acting.student(new_id(), new_id())  # type: ignore[arg-type]
    token, _ = AccessTokens(
        parts.settings.token_private_key.get_secret_value(), parts.clock, timedelta(minutes=5)
    ).issue(student)
    answered = await http.post(
        f"/api/v1/conversations/{new_id()}/turns", json={"text": CRISIS}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answered.status_code == 202 and answered.json()["crisis"] is not None


async def test_without_screening_it_is_not_ready(
    cut_off: tuple[Parts, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, http = cut_off
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.5)
    hangs = threading.Event()
    monkeypatch.setattr(parts.screener, "screen", lambda *_: hangs.wait(30), raising=False)
    try:
        told = await http.get("/health/ready")
    finally:
        hangs.set()
    assert told.status_code == 503
    assert told.json()["parts"]["screening"] == "down" and up("screening") == 0.0


async def test_readiness_that_hangs_on_the_database_is_noticed(
    cut_off: tuple[Parts, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def by_the_database(parts: Parts) -> health.State:
        return await health._database(parts)

    monkeypatch.setattr(health, "_screening", by_the_database)
    with pytest.raises(AssertionError):
        await test_without_the_database_it_is_ready_says_so_and_answers_a_crisis(cut_off)
