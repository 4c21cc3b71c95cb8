"""The tests of going live, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.access import Acting, Role
from tests.integration.care import test_golive
from tests.integration.care.conftest import Campus, add_person
from tests.integration.care.test_seeded_bugs import must_fail
from tests.mutation import seed
from tools.care.golive import readiness, rules, signatures

Patch = pytest.MonkeyPatch


@pytest.fixture
async def vera(campus: Campus) -> Acting:
    return await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)


async def test_rules_that_anybody_writes_are_noticed(campus: Campus, vera: Acting) -> None:
    campus.change("alter policy operator_writes on institutions using (id = app_institution())")
    await must_fail(test_golive.test_only_the_operator_of_the_campus_writes(campus, vera))


async def test_an_unstaffed_campus_that_seems_staffed_is_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, rules._written, '"unstaffed" if rules.responder is Responder.UNSTAFFED else None', "None")
    case = test_golive.replace(test_golive.FULL, responder=rules.Responder.UNSTAFFED, line_email="", line_phone="")
    await must_fail(test_golive.test_each_responder_means_to_the_service_what_it_says(campus, case, False, False))


async def test_keys_of_others_that_are_lost_are_noticed(campus: Campus, monkeypatch: Patch) -> None:
    seed(monkeypatch, rules._written, "(before | ours)", "ours")
    await must_fail(test_golive.test_what_is_written_is_read_again_and_by_the_parts_that_act_on_it(campus))


async def test_a_signature_that_outlives_a_change_is_noticed(
    campus: Campus, vera: Acting, monkeypatch: Patch, tmp_path: Path
) -> None:
    seed(monkeypatch, signatures.read_signatures, "row[1] == version_of(part)", "True")
    await must_fail(
        test_golive.test_a_changed_word_is_a_version_that_nobody_signed(campus, vera, monkeypatch, tmp_path)
    )


@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "institution_id = app_institution() and account_id = app_account()",
        "institution_id = app_institution()"
        " and current_setting('app.role', true) = case part when 'law' then 'admin' else 'supervisor' end",
    ],
    ids=["anybody", "any role", "in another name"],
)
async def test_signatures_of_others_are_noticed(campus: Campus, vera: Acting, condition: str) -> None:
    campus.change(f"alter policy signs on signatures with check ({condition})")
    await must_fail(test_golive.test_the_database_takes_no_signature_of_anybody_else(campus, vera))


async def test_a_list_that_is_always_done_is_noticed(campus: Campus, vera: Acting, monkeypatch: Patch) -> None:
    whole = readiness.Item

    def done(name: str, state: Any, finding: str) -> Any:
        return whole(name, readiness.State.DONE, finding)

    monkeypatch.setattr(readiness, "Item", done)
    await must_fail(test_golive.test_the_list_says_what_is_missing_until_nothing_is(campus, vera))


async def test_an_operator_who_sees_students_is_noticed(campus: Campus) -> None:
    campus.change(
        "alter policy operator_sees_staff on profiles using"
        " (current_setting('app.role', true) = 'admin' and institution_id = app_institution())"
    )
    await must_fail(test_golive.test_the_operator_sees_the_staff_and_no_student(campus))
