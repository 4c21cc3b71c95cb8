"""The tests of the case page, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations import history
from tests.integration.care import test_dossier
from tests.integration.care.conftest import Campus
from tests.integration.care.test_seeded_bugs import must_fail
from tests.mutation import seed
from tools.care.delivery import WorkerApp
from tools.care.dossier import answered, before, conversation, dispatch, glance, others, reach, shown

Patch = pytest.MonkeyPatch


async def test_an_answer_that_hides_another_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, glance._section, "tuple(said)", "tuple(said[-1:])")
    await must_fail(test_dossier.test_a_later_no_never_hides_an_earlier_yes_to_another_question(campus))


async def test_an_old_answer_that_stays_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, glance.glance, "for answer in answers", "for answer in reversed(answers)")
    await must_fail(test_dossier.test_the_newest_answer_to_the_same_question_counts(campus))


async def test_a_refusal_that_is_hidden_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(answered.Answered, "refused", property(lambda _: False))
    await must_fail(test_dossier.test_refusals_and_the_wish_not_to_be_asked_are_shown(campus))


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        (answered._is_recorded, "known.record", "True"),
        (answered.answered, "(*before, *(", "(*("),
    ],
    ids=["a file on a friend", "answers forgotten"],
)
async def test_answers_from_before_the_case_are_tested(
    campus: Campus, monkeypatch: Patch, function: object, old: str, new: str
) -> None:
    seed(monkeypatch, function, old, new)  # type: ignore[arg-type]
    await must_fail(test_dossier.test_answers_from_before_the_case_are_there_and_a_friends_are_not(campus))


async def test_where_they_meant_to_be_taken_for_where_they_are_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(reach, "WHERE", "pl_place")
    await must_fail(test_dossier.test_where_they_are_and_how_to_call_them_is_what_they_said_when_asked(campus))


async def test_an_old_number_before_the_one_given_now_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, reach.call_back, "said is not None", "said is not None and terms is None")
    await must_fail(test_dossier.test_where_they_are_and_how_to_call_them_is_what_they_said_when_asked(campus))


async def test_a_change_that_is_left_out_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, before._of_answers, "before == answer.value", "True")
    await must_fail(test_dossier.test_what_changed_since_the_last_case(campus))


async def test_questions_among_what_was_promised_are_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, shown.read_shown, "quote.text not in questions", "True")
    await must_fail(test_dossier.test_what_the_student_was_shown_and_promised(campus))


async def test_a_call_that_seems_to_have_reached_somebody_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, others._called, "if silent else None", "if False else None")
    await must_fail(test_dossier.test_a_call_that_reached_nobody_is_shown_as_one(campus))


async def test_somebody_who_is_online_for_ever_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setattr(conversation, "ONLINE_FOR", timedelta(days=1))
    await must_fail(test_dossier.test_online_is_true_only_while_the_students_page_asks(campus))


async def test_presence_that_is_kept_of_ordinary_talk_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, history.note_presence, " and mode <> 'ordinary'", "")
    await must_fail(test_dossier.test_online_is_true_only_while_the_students_page_asks(campus))


async def test_a_dispatch_sheet_that_is_no_look_of_its_own_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, dispatch.open_dispatch, "Seen.DISPATCH", "Seen.CASE")
    await must_fail(test_dossier.test_the_dispatch_sheet_says_what_a_dispatcher_asks_and_is_a_look_of_its_own(campus))


async def test_an_emergency_number_that_is_guessed_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, dispatch.open_dispatch, "emergency_for(region)", 'emergency_for(region or "us")')
    await must_fail(test_dossier.test_the_emergency_number_is_that_of_where_they_are_and_never_guessed(campus))


async def test_a_timeline_of_deliveries_on_the_page_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(others, "HARMLESS", ())
    seed(monkeypatch, others._called, 'row["reached_at"] is None and not row["on_its_way"]', "True")
    await must_fail(test_dossier.test_what_is_a_click_away_or_nobodys_business_is_not_on_the_page(campus, worker))
