"""The tests of intake, tested: each seeded bug must make its check fail, or be stopped by the next line of defence."""

from __future__ import annotations

from typing import Any

import pytest

from conversations import admission, intake, judgement, script_store
from conversations.incoming import Incoming
from core.errors import Conflict
from core.settings import Settings
from safety.triage.step import ScriptStep
from tests.conftest import People
from tests.integration.conversations import test_intake, test_lifecycle
from tests.integration.conversations.conftest import Desk
from tests.mutation import seed


async def test_a_crisis_that_is_sent_down_the_agents_path_is_stopped_by_its_type(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "decide", lambda *_: ("agent", None))
    conversation = await desk.begin(people.maya)
    with pytest.raises(ValueError, match="screened clear"):
        await desk.service.take_turn(people.maya, conversation, test_intake.CRISIS, idempotency_key="a")
    assert not desk.echo.seen
    assert test_intake.counts(settings) == (0, 0, 0, 0, 0)


async def test_effects_that_are_not_carried_out_are_noticed(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(script_store, "apply_effects", nothing)
    with pytest.raises(AssertionError):
        await test_intake.test_a_crisis_commits_message_screening_case_deliveries_jobs_and_reply_together(
            desk, people, settings
        )


async def test_a_fixed_reply_that_is_not_stored_is_noticed(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judgement.open_triage

    def mute(*facts: Any) -> ScriptStep:
        step = whole(*facts)
        return ScriptStep(step.state, step.mode, (), step.choices, step.resources, ())

    monkeypatch.setattr(judgement, "open_triage", mute)
    with pytest.raises(AssertionError):
        await test_intake.test_a_crisis_commits_message_screening_case_deliveries_jobs_and_reply_together(
            desk, people, settings
        )


async def test_a_limit_that_is_asked_about_everything_is_noticed(
    desk: Desk, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = desk.intake._attempt

    async def eager(message: Incoming, **more: Any) -> Any:
        await message.allow()
        return await attempt(message, **more)

    monkeypatch.setattr(desk.intake, "_attempt", eager)
    with pytest.raises(Conflict):
        await test_intake.test_a_rate_limit_is_never_asked_about_a_crisis(desk, people)


async def test_a_turn_that_is_taken_over_and_knows_the_future_is_noticed(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, admission.readmit, "before=claim.seq", "")
    with pytest.raises(AssertionError):
        await test_lifecycle.test_a_turn_that_is_taken_over_knows_what_came_before_it_and_nothing_after(
            desk, people, settings
        )
