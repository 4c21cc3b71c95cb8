"""The tests of what only people may do, tested: a migration that forgets a line of it must be noticed."""

from __future__ import annotations

from collections.abc import Awaitable

import psycopg
import pytest

from safety.types import Screening
from tests.integration.care import test_by_people
from tests.integration.care.conftest import Campus
from tests.mutation import seed
from tools.care import cases
from tools.care.delivery import WorkerApp

OWN = "student_id = app_student() and institution_id = app_institution()"
EVERYTHING = f"to companion_app, companion_worker using ({OWN}) with check ({OWN})"


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises((AssertionError, psycopg.Error)):
        await check


def mutate(campus: Campus, function: str, old: str, new: str) -> None:
    """Change a function of the schema in one place."""
    [row] = campus.rows("select pg_get_functiondef(%s::regproc) as source", function)
    assert old in row["source"], f"{function} no longer reads {old!r}"
    campus.change(row["source"].replace(old, new).replace("%", "%%"))


@pytest.mark.parametrize(
    "bug",
    [
        "drop trigger cases_move_by_people on cases",
        f"alter policy own on messages with check ({OWN})",
        f"create policy careless on case_events {EVERYTHING}",
        f"create policy careless on case_rules {EVERYTHING}",
    ],
)
async def test_a_line_of_the_schema_that_is_lost_is_noticed(campus: Campus, worker: WorkerApp, bug: str) -> None:
    campus.change(bug)
    await must_fail(test_by_people.test_the_worker_for_a_student_does_nothing_of_what_people_do(campus, worker))


@pytest.mark.parametrize(
    "bug",
    [
        f"create policy careless on deliveries {EVERYTHING}",
        f"create policy careless on delivery_attempts {EVERYTHING}",
        "alter policy campus on alarms using (institution_id is null or institution_id = app_institution())"
        " with check (institution_id is null or institution_id = app_institution())",
    ],
)
async def test_a_delivery_or_an_alarm_that_a_request_may_alter_is_noticed(
    campus: Campus, worker: WorkerApp, bug: str
) -> None:
    campus.change(bug)
    await must_fail(test_by_people.test_under_a_students_acting_the_api_only_opens_and_raises(campus, worker))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if old.confidential and not new.confidential", "if false"),
        ("(new.acknowledged_at is not null and", "(false and"),
        ("(new.first_opened_at is not null and", "(false and"),
        ("(new.offered_to is not null and", "(false and"),
        ("new.tier), 0) <", "new.tier), 0) + 9 <"),
        ("if old.acknowledged_at is null and", "if false and"),
        ("new.status, ", "old.status, "),
        ("new.last_person_at", "old.last_person_at"),
        ("if new.status <> 'open' or coalesce(", "if false and coalesce("),
    ],
)
async def test_a_condition_that_is_lost_is_noticed(campus: Campus, worker: WorkerApp, old: str, new: str) -> None:
    mutate(campus, "cases_move_by_people", old, new)
    await must_fail(test_by_people.test_the_worker_for_a_student_does_nothing_of_what_people_do(campus, worker))


async def test_a_conversation_that_is_not_held_is_noticed(campus: Campus) -> None:
    mutate(campus, "hold_the_conversation", "in ('high', 'imminent')", "in ('unheard of')")
    await must_fail(test_by_people.test_a_grave_conversation_is_held_and_its_message_is_not_lost(campus))


async def test_a_person_who_is_put_out_is_noticed(campus: Campus) -> None:
    mutate(campus, "hold_the_conversation", "c.status = 'live'", "c.status = 'unheard of'")
    await must_fail(test_by_people.test_nobody_but_the_person_leaves_a_conversation_for_them(campus))


async def test_a_conversation_that_is_held_for_ever_is_noticed(campus: Campus) -> None:
    mutate(campus, "hold_the_conversation", "in ('high', 'imminent')", "is not null")
    await must_fail(test_by_people.test_a_case_that_is_settled_or_slight_lets_its_conversation_go(campus))


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_deadline_that_moves_later_is_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        campus.change("drop trigger cases_move_by_people on cases")
    seed(monkeypatch, cases.raise_case, "due_at = least(due_at, %s)", "due_at = %s")
    await must_fail(test_by_people.test_the_deadline_of_a_case_never_moves_later(campus))


async def test_a_milder_verdict_that_is_stored_is_noticed(campus: Campus) -> None:
    mutate(campus, "store_second_look", "array_position(grades, found_severity))", "9)")
    await must_fail(
        test_by_people.test_the_database_keeps_no_milder_second_verdict(campus, True, False, "moderate", False)
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "max((again, self), key=lambda one: (one.crisis, one.clarify and not one.crisis, one.severity.rank))",
            "again",
        ),
        ("one.clarify and not one.crisis", "one.clarify"),
    ],
)
def test_a_graver_verdict_that_is_dropped_is_noticed(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    seed(monkeypatch, Screening.or_worse, old, new)
    with pytest.raises(AssertionError):
        test_by_people.test_of_two_verdicts_the_graver_stands()
