"""The tests of review, tested: each seeded bug must make its check fail."""

from __future__ import annotations

import pytest

from db.access import Acting, Role
from tests.integration.care import test_review
from tests.integration.care.conftest import Campus, add_person
from tests.integration.care.test_seeded_bugs import must_fail
from tests.mutation import seed
from tools.care import acts, facts, outcomes, queue
from tools.care.delivery import WorkerApp
from tools.care.dossier import conversation, looks, said

Patch = pytest.MonkeyPatch


@pytest.fixture
async def vera(campus: Campus) -> Acting:
    return await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)


async def test_a_blank_note_that_is_kept_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, acts.add_note, "not text.strip()", "False")
    await must_fail(test_review.test_a_reply_or_a_note_without_words_is_refused(campus))


async def test_a_closed_case_that_opens_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, facts.read_open_case, "facts.closed", "False")
    await must_fail(test_review.test_a_closed_case_stays_closed_when_the_student_has_another(campus))


@pytest.mark.parametrize(
    ("old", "new"),
    [("await cursor.fetchone() is None", "False"), ("at - LOOK_LASTS", "at - 100 * LOOK_LASTS")],
    ids=["never", "once for all"],
)
async def test_messages_without_a_look_are_noticed(campus: Campus, monkeypatch: Patch, old: str, new: str) -> None:
    seed(monkeypatch, looks.go_on_looking, old, new)
    await must_fail(test_review.test_messages_of_an_open_page_belong_to_a_look_that_is_stored(campus))


async def test_messages_from_before_the_case_are_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(said, "NEWER", said.NEWER.replace("m.created_at >= %(since)s and ", ""))
    await must_fail(test_review.test_messages_of_an_open_page_belong_to_a_look_that_is_stored(campus))


async def test_a_confidential_case_offered_to_anybody_is_noticed(
    campus: Campus, monkeypatch: Patch, vera: Acting
) -> None:
    seed(monkeypatch, acts.transfer, "facts.confidential}", "False}")
    await must_fail(test_review.test_a_confidential_case_is_handed_to_confidential_staff_only(campus, vera))


@pytest.mark.parametrize(
    ("old", "new"), [("is not Role.SUPERVISOR", "is Role.STUDENT"), ("not reason.strip()", "False")]
)
async def test_a_take_over_by_anybody_or_without_a_reason_is_noticed(
    campus: Campus, monkeypatch: Patch, vera: Acting, old: str, new: str
) -> None:
    seed(monkeypatch, acts.take_over, old, new)
    await must_fail(test_review.test_a_supervisor_takes_over_from_a_colleague_who_has_gone(campus, vera))


async def test_a_claim_that_hides_a_case_for_good_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, queue._silent_since, "return last if untouched else None", "return None")
    await must_fail(test_review.test_a_claim_that_nothing_follows_comes_back_to_everybodys_eyes(campus))


async def test_a_student_left_without_an_answer_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, queue._silent_since, "return wrote if unanswered else None", "return None")
    await must_fail(test_review.test_a_student_who_waits_for_an_answer_of_a_person_is_seen_in_the_queue(campus))


async def test_a_duplicate_that_drops_the_guard_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    everything = property(lambda outcome: True)
    monkeypatch.setattr(outcomes.Outcome, "says_nothing", everything)
    await must_fail(test_review.test_a_duplicate_leaves_the_student_guarded(campus))


async def test_a_severity_that_any_login_lowers_is_noticed(campus: Campus, worker: WorkerApp) -> None:
    campus.change("drop trigger severity_falls_by_people on cases")
    await must_fail(test_review.test_the_database_lets_no_severity_fall_but_by_a_person(campus, worker))


async def test_an_outcome_of_ones_own_is_noticed(campus: Campus) -> None:
    campus.change("alter table cases drop constraint outcome_of_the_protocol")
    await must_fail(test_review.test_the_database_knows_no_outcome_but_the_protocols(campus))


@pytest.mark.parametrize("function", [conversation._triage, said._text], ids=["state", "message"])
async def test_a_case_that_cannot_be_opened_is_noticed(campus: Campus, monkeypatch: Patch, function: object) -> None:
    whole = "(KeyError, ValueError, TypeError, Unreadable)" if function is conversation._triage else "Unreadable"
    seed(monkeypatch, function, f"except {whole}", "except ZeroDivisionError")  # type: ignore[arg-type]
    await must_fail(test_review.test_a_case_opens_whatever_the_script_left_behind(campus))


async def test_a_narrower_look_around_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(said, "AROUND", 4)
    await must_fail(test_review.test_five_turns_around_what_was_flagged_are_quoted(campus))
