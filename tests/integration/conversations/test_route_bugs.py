"""The tests of the routes, tested: each seeded bug must make its test fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conversations import intake, snapshot
from core.settings import Settings
from safety.types import Mode
from tests.integration.conversations import test_routes
from tests.integration.conversations.test_routes import Route, route

__all__ = ["route"]
Patch = pytest.MonkeyPatch


def ignore(patch: Patch, **changed: bool) -> None:
    """Let intake see every screening with something left out."""
    whole = intake.decide

    def careless(shot: Any, text: str, screening: Any, *rest: Any) -> Any:
        return whole(shot, text, replace(screening, **changed), *rest)

    patch.setattr(intake, "decide", careless)


async def test_a_route_by_crisis_alone_is_noticed(route: Route, monkeypatch: Patch) -> None:
    """The classic: what only asks a question, or only a broken layer saw, goes on to the model."""
    ignore(monkeypatch, clarify=False)
    with pytest.raises((AssertionError, ValueError)):
        await test_routes.test_every_detection_reaches_the_script_and_no_model(route)


async def test_a_part_that_is_down_and_ignored_is_noticed(route: Route, monkeypatch: Patch) -> None:
    ignore(monkeypatch, degraded=())
    with pytest.raises((AssertionError, ValueError)):
        await test_routes.test_every_detection_reaches_the_script_and_no_model(route)


async def test_a_guarded_conversation_that_hears_nothing_is_noticed(
    route: Route, settings: Settings, monkeypatch: Patch
) -> None:
    whole = intake.decide

    def deaf(shot: Any, *rest: Any) -> Any:
        return ("agent", None) if shot.mode is Mode.GUARDED else whole(shot, *rest)

    monkeypatch.setattr(intake, "decide", deaf)
    with pytest.raises((AssertionError, ValueError)):
        await test_routes.test_every_detection_reaches_the_script_wherever_the_conversation_stands(
            route, settings, "guarded"
        )


async def test_a_lost_state_that_counts_as_ordinary_is_noticed(
    route: Route, settings: Settings, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(intake, "decide", lambda shot, *_: ("agent", None))
    with pytest.raises((AssertionError, ValueError)):
        await test_routes.test_every_detection_reaches_the_script_wherever_the_conversation_stands(
            route, settings, "lost"
        )


async def test_a_stream_that_goes_on_beside_the_script_is_noticed(route: Route, monkeypatch: Patch) -> None:
    monkeypatch.setattr(route.desk.runner, "hush", lambda _: route.desk.echo.gate.set())
    with pytest.raises(AssertionError):
        await test_routes.test_a_reply_that_is_streaming_falls_silent_when_a_crisis_comes(route)


async def test_a_stream_that_never_looks_is_noticed(route: Route, settings: Settings, monkeypatch: Patch) -> None:
    async def blind(*_: Any) -> bool:
        route.desk.echo.gate.set()
        return False

    monkeypatch.setattr("conversations.runner.is_taken", blind)
    with pytest.raises(AssertionError):
        await test_routes.test_a_reply_that_streams_falls_silent_when_a_person_joins(route, settings, monkeypatch)


async def test_a_case_nobody_hears_of_beside_a_person_is_noticed(
    route: Route, settings: Settings, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(intake, "decide", lambda *_: ("live_person", None))
    with pytest.raises(AssertionError):
        await test_routes.test_beside_a_person_a_detection_reaches_the_case_and_no_model_speaks(route, settings)


async def test_answers_to_the_script_in_a_models_history_are_noticed(
    route: Route, settings: Settings, monkeypatch: Patch
) -> None:
    leaky = snapshot.MESSAGES.replace("t.path is distinct from 'agent'", "coalesce(s.crisis, false)")
    assert leaky != snapshot.MESSAGES
    monkeypatch.setattr(snapshot, "MESSAGES", leaky)
    with pytest.raises(AssertionError):
        await test_routes.test_what_was_said_to_the_script_or_to_a_person_never_reaches_a_later_reply(route, settings)
