"""The tests of examples, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.care import test_examples
from tests.integration.care.conftest import Campus
from tests.integration.care.test_seeded_bugs import must_fail
from tests.mutation import seed
from tools.care.delivery import WorkerApp
from tools.care.examples import keeping
from tools.people import consent

Patch = pytest.MonkeyPatch
ASKED = "await has_consented(tx, facts.student_id, ConsentKind.EXAMPLES)"


@pytest.mark.parametrize("function", [keeping._open, keeping.keep_example], ids=["shown", "kept"])
async def test_a_consent_that_nobody_asks_for_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: Patch, function: Any
) -> None:
    seed(monkeypatch, function, ASKED, "True")
    await must_fail(test_examples.test_without_consent_nothing_is_stored(campus, worker))


async def test_a_consent_that_is_given_by_default_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: Patch
) -> None:
    campus.change(
        "create or replace function gave_consent(subject uuid, what text) returns boolean language sql stable"
        " security definer as $$ select true $$"
    )
    await must_fail(test_examples.test_without_consent_nothing_is_stored(campus, worker))


@pytest.mark.parametrize(
    "condition", [" and gave_consent(student_id, 'examples')", " and kept_by = app_account()"], ids=["consent", "who"]
)
async def test_a_database_that_takes_any_example_is_noticed(campus: Campus, condition: str) -> None:
    whole = (
        "app_is_staff() and institution_id = app_institution() and kept_by = app_account()"
        " and staff_sees_conversation(conversation_id) and gave_consent(student_id, 'examples')"
    )
    assert condition in whole
    campus.change(f"alter policy staff_keeps on examples with check ({whole.replace(condition, '')})")
    await must_fail(test_examples.test_the_database_takes_no_example_without_consent_or_of_another_campus(campus))


async def test_words_that_still_tell_who_wrote_them_are_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, keeping.keep_example, "masked != kept", "False")
    await must_fail(test_examples.test_what_may_still_tell_who_wrote_it_is_not_kept(campus))


async def test_names_of_the_students_own_life_that_stay_are_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: Patch, tmp_path: Path
) -> None:
    async def nobody(*_: Any) -> list[str]:
        return []

    monkeypatch.setattr(keeping, "_known", nobody)
    await must_fail(test_examples.test_a_misread_is_kept_masked_and_read_as_a_row_of_the_eval(campus, worker, tmp_path))


async def test_examples_that_outlive_the_consent_are_noticed(campus: Campus, worker: WorkerApp) -> None:
    campus.change("drop trigger forget_examples on consents")
    await must_fail(test_examples.test_taking_it_back_deletes_what_was_kept(campus, worker))


async def test_children_who_are_asked_are_noticed(campus: Campus, monkeypatch: Patch) -> None:
    monkeypatch.setitem(consent.OF_AGE, consent.ConsentKind.EXAMPLES, ("16_17", "18_24", "25_plus"))
    await must_fail(test_examples.test_nobody_under_18_is_asked(campus, "16_17"))


async def test_a_yes_to_other_words_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, consent.give_consent, "version != consent_texts()[kind].version", "False")
    await must_fail(test_examples.test_an_old_text_is_not_agreed_to(campus))
