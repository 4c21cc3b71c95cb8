"""The tests of lost states, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from conversations import intake, judgement, script_store, snapshot, stored_state
from safety.triage import broken, flow
from tests.integration.care import test_state_lost
from tests.integration.care.conftest import Campus
from tests.mutation import seed
from tools.care.delivery import WorkerApp

Patch = pytest.MonkeyPatch


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        await check


async def nothing(*_: Any) -> None:
    return None


@pytest.mark.parametrize("how", test_state_lost.DAMAGES)
async def test_a_lost_state_that_forgets_the_case_is_noticed(campus: Campus, how: Any, monkeypatch: Patch) -> None:
    monkeypatch.setattr(snapshot, "from_the_case", nothing)
    await must_fail(test_state_lost.test_what_the_case_knows_outlives_a_state_that_cannot_be_read(campus, how))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("severity=Severity(severity)", "severity=Severity.NONE"),
        ("check_ins=tuple", "check_ins=() and tuple"),
        ("case_open=True", "case_open=False"),
    ],
)
async def test_a_case_read_in_part_is_noticed(campus: Campus, old: str, new: str, monkeypatch: Patch) -> None:
    seed(monkeypatch, stored_state.from_the_case, old, new)
    await must_fail(
        test_state_lost.test_what_the_case_knows_outlives_a_state_that_cannot_be_read(
            campus, test_state_lost.another_version
        )
    )


async def test_a_lost_state_that_is_thrown_away_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(script_store, "unread", lambda _: None)
    await must_fail(
        test_state_lost.test_what_the_case_knows_outlives_a_state_that_cannot_be_read(
            campus, test_state_lost.another_version
        )
    )


@pytest.mark.parametrize("how", test_state_lost.DAMAGES[1:])
async def test_a_question_nobody_looks_up_is_noticed(campus: Campus, how: Any, monkeypatch: Patch) -> None:
    seed(monkeypatch, flow.read_state, "if unknown:", "if False:")
    await must_fail(test_state_lost.test_what_the_case_knows_outlives_a_state_that_cannot_be_read(campus, how))


async def test_a_first_message_that_goes_to_the_model_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, judgement._choose, "screening.clear and snapshot.triage_unreadable", "False")
    await must_fail(test_state_lost.test_a_guarded_conversation_stays_guarded_and_is_met_with_care_first(campus))


async def test_silence_that_begins_anew_at_every_look_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: Patch
) -> None:
    seed(monkeypatch, stored_state.from_the_case, "last_student_at=wrote_at or opened_at", "last_student_at=now")
    await must_fail(test_state_lost.test_silence_is_noticed_after_a_lost_state(campus, worker))


async def test_a_script_whose_errors_reach_the_student_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(intake, "decide", judgement._choose)
    await must_fail(
        test_state_lost.test_a_script_that_breaks_still_answers_opens_the_case_and_calls(campus, monkeypatch)
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("draft.tell(draft.known)", "pass"), ("mode is Mode.ORDINARY", "False"), ("state=left", "state=None")],
)
async def test_a_broken_script_that_tells_nobody_or_forgets_is_noticed(
    campus: Campus, old: str, new: str, monkeypatch: Patch
) -> None:
    seed(monkeypatch, broken.broken_reply, old, new)
    with pytest.raises(AssertionError):
        await test_state_lost.test_a_script_that_breaks_still_answers_opens_the_case_and_calls(campus, monkeypatch)
        await test_state_lost.test_a_script_that_breaks_in_the_middle_keeps_its_state_and_calls(campus, monkeypatch)
