"""The tests of the second look, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from conversations import first_transaction, second_look
from safety.triage.step import ScriptStep
from safety.types import Screening
from tests.integration.care import test_second_look
from tests.integration.care.conftest import Campus, Verdict
from tests.integration.care.test_second_look import looking
from tests.mutation import seed
from tools.care import alarm
from tools.care.delivery import WorkerApp

__all__ = ["looking"]
Looking = tuple[WorkerApp, Verdict]


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        await check


async def nothing(*_: Any, **__: Any) -> None:
    return None


async def test_a_look_that_is_never_asked_for_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_transaction, "defer", nothing)
    await must_fail(test_second_look.test_what_the_second_look_finds_opens_a_case_and_is_delivered(campus, looking))


async def test_a_finding_that_nobody_acts_on_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "heard_again", lambda *_: None)
    await must_fail(test_second_look.test_what_the_second_look_finds_opens_a_case_and_is_delivered(campus, looking))


async def test_a_broken_layer_taken_for_a_clear_verdict_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, verdict = looking

    def trusting(text: str, context: Any) -> Screening:
        return replace(verdict.found, degraded=())

    monkeypatch.setattr(verdict, "screen", trusting)
    await must_fail(test_second_look.test_the_student_gets_careful_words_and_the_operator_one_alarm(campus, looking))


async def test_an_alarm_for_every_message_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def every_time(desk: Any, kind: str, institution: Any, **facts: Any) -> bool:
        await desk.operator.tell(second_look.UUID(int=len(campus.rows("select 1 from outbox"))), None, kind, facts)
        return True

    monkeypatch.setattr(second_look, "raise_alarm", every_time)
    await must_fail(test_second_look.test_the_student_gets_careful_words_and_the_operator_one_alarm(campus, looking))


async def test_an_alarm_that_nobody_is_told_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "tell_operator", nothing)
    await must_fail(test_second_look.test_the_student_gets_careful_words_and_the_operator_one_alarm(campus, looking))


async def test_a_script_that_speaks_beside_a_person_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = second_look.heard_again

    def chatty(*given: Any) -> ScriptStep | None:
        step = whole(*given)
        return replace(step, messages=("I have read it.",)) if step else None

    monkeypatch.setattr(second_look, "heard_again", chatty)
    await must_fail(
        test_second_look.test_beside_a_person_the_case_rises_and_others_are_called_by_the_words_alone(campus, looking)
    )


async def test_a_first_verdict_that_is_dropped_is_noticed(
    campus: Campus, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, second_look.look_again, "written.screening.or_worse(again)", "again")
    await must_fail(test_second_look.test_a_second_look_never_makes_a_verdict_milder(campus, looking))


async def test_a_service_that_may_change_screenings_is_noticed(campus: Campus) -> None:
    campus.change("grant update on screenings to companion_app")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_second_look.test_the_service_changes_no_screening_but_by_a_second_look(campus)
