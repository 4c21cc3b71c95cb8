"""The tests of Canvas, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from core.crypto import KeyRing
from core.errors import CompanionError
from core.settings import Settings
from tests.integration.canvas import test_client, test_contract, test_schedule, test_sync
from tests.integration.canvas.conftest import MAYA, SCOPED, Bench
from tests.mutation import seed
from tools.academic.canvas import (
    client,
    connections,
    governor,
    meaning,
    mirror,
    oauth,
    paging,
    schedule,
    service,
    signals,
    sync,
    times,
    tokens,
)
from tools.academic.canvas.failures import CanvasFailure
from tools.academic.canvas.models import Submission

FAILS = (
    AssertionError, CompanionError, CanvasFailure, ZeroDivisionError, psycopg.errors.InsufficientPrivilege,
    pytest.fail.Exception,
)  # fmt: skip
"""A check that fails, or a bug that the next line of defence stops."""
Check = Callable[[Bench, pytest.MonkeyPatch], Awaitable[None]]


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises(FAILS):
        await check


def of_changes(name: str) -> Check:
    return lambda bench, _: getattr(test_sync.TestChanges(), name)(bench)


def of_meaning(name: str) -> Check:
    return lambda bench, _: getattr(test_sync.TestMeaning(), name)(bench)


def stays(kind: str) -> Check:
    return lambda bench, _: test_sync.TestFaults().test_a_fault_that_stays_becomes_a_status_and_leaves_the_data(
        bench, kind
    )


def before_a_yes(bench: Bench, _: pytest.MonkeyPatch) -> Awaitable[None]:
    return test_schedule.TestConsent().test_nothing_begins_before_the_student_agreed(bench)


BUGS: dict[str, tuple[Callable[..., Any], str, str, Check]] = {
    "a list without its links is taken for whole": (
        paging.next_page, 'raise Incomplete("no_link")', "return None", stays("dropped_link"),
    ),
    "an older refusal of the throttle is no throttle": (
        governor.is_throttled, "THROTTLED in response.text", "False", stays("throttled_403"),
    ),
    "what cannot be read is taken for nothing": (
        client._json, 'raise Incomplete("not_json") from error', "return []", stays("truncated_json"),
    ),
    "a row that moved is kept twice": (
        client._once, "return list(found.values())", "return list(rows)",
        test_client.test_a_row_that_comes_twice_is_kept_once,
    ),
    "everybody who waited renews too": (
        tokens.StoredAccess.renewed, "stored.version > after.version", "False",
        lambda bench, _: test_client.test_ten_at_once_renew_once(bench),
    ),
    "the refresh token is lost with the first renewal": (
        oauth.OAuth._token, "(before.refresh if before else None)", "None",
        lambda bench, _: test_client.test_the_refresh_token_stays_for_the_next_hours(bench),
    ),
    "an ended grant is taken for a wrong key": (
        oauth.refusal, "return SignInAgain(error)", "return SetUpWrong(error)",
        lambda bench, _: test_sync.TestFaults().test_a_permission_that_ended_waits_for_the_student(
            bench, "refuse_refresh"
        ),
    ),
    "who must sign in again is asked for every quarter of an hour": (
        connections.after_failure, "turn = None", "turn = now",
        lambda bench, _: test_sync.TestFaults().test_a_permission_that_ended_waits_for_the_student(bench, "revoke"),
    ),
    "what is gone stays": (
        mirror.replace, "if before:", "if False:", of_changes("test_work_that_vanishes_is_deleted"),
    ),
    "a course that is over leaves its work behind": (
        mirror.forget_other_courses, "course_id <> all(%s)", "course_id = any(%s) and false",
        of_changes("test_a_course_that_concludes_goes_with_all_of_its_work"),
    ),
    "a moved due date is no change": (
        signals.planner_signals, "by_course[PERSONAL if course is None else str(course)].append(kept)", "pass",
        of_changes("test_a_due_date_that_moved"),
    ),
    "a posted grade is no change": (
        sync._changed_courses, "every or signal != before", "every",
        of_changes("test_a_grade_that_is_posted_later_than_it_was_given"),
    ),
    "half a course is a whole sync": (
        sync._read_whole, "look.failure = look.failure or failure", "pass",
        lambda bench, _: test_sync.TestFaults().test_one_course_that_cannot_be_read_stops_no_other(bench),
    ),
    "work handed in is missing": (
        meaning.is_missing, "done.submitted_at is None", "True",
        lambda bench, _: test_contract.TestWorld().test_what_was_handed_in_and_is_not_graded_is_not_missing(bench),
    ),
    "excused work is owed": (
        meaning.state_of, "if done.excused:", "if False:", of_meaning("test_what_is_said"),
    ),
    "times are said in UTC": (
        times.local_text, "moment.astimezone(zone)", "moment", of_meaning("test_what_is_said"),
    ),
    "one student's failure ends the queue": (
        schedule.sync_one, 'log.error("canvas_sync_broke"', 'raise error; log.error("canvas_sync_broke"',
        test_schedule.test_what_breaks_for_one_student_goes_on_for_the_other,
    ),
    "an answer counts twice": (
        service._take, '"delete from canvas_sign_ins where state_hash = %s and student_id = %s"\n'
        '            " returning verifier_sealed, redirect_url, expires_at"',
        '"select verifier_sealed, redirect_url, expires_at from canvas_sign_ins where state_hash = %s and student_id = %s"',
        lambda bench, _: (
            test_schedule.TestService().test_an_answer_counts_once_for_the_one_who_asked_and_not_for_long(bench)
        ),
    ),
    "Canvas is asked before the student is": (
        service.begin_sign_in, "await require_consent(tx, ConsentKind.CANVAS)", "pass",
        before_a_yes,
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
async def test_a_seeded_bug_is_noticed(connected: Bench, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    function, old, new, check = BUGS[bug]
    if check is before_a_yes:
        connected.rows("update consents set withdrawn_at = now() returning id")
    seed(monkeypatch, function, old, new)
    await must_fail(check(connected, monkeypatch))


async def test_a_hidden_grade_shown_as_nought_is_noticed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Canvas deletes the keys; whoever reads absent as null, and null as nought, tells a student that they failed."""
    monkeypatch.setattr(meaning, "visible_score", lambda work: (work.submission or Submission()).score or 0.0)
    monkeypatch.setattr(test_sync, "visible_score", meaning.visible_score)
    await bench.connect(bench.people.maya, MAYA)
    await bench.sync(bench.people.maya)
    await must_fail(test_sync.TestMeaning().test_a_hidden_grade_is_no_nought(bench))


class _Loopback(httpx.AsyncHTTPTransport):
    """Notices a request that leaves this machine, and lets it go no further."""

    left: bool = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "127.0.0.1":
            self.left = True
            raise httpx.ConnectError("not on this machine")
        return await super().handle_async_request(request)


async def test_a_token_sent_to_another_host_is_noticed(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, paging.next_page, 'raise ForeignAddress("next_page")', "return address")
    transport = _Loopback()
    async with httpx.AsyncClient(transport=transport) as http:
        connected.desk = replace(connected.desk, http=http)
        await must_fail(test_client.test_the_token_never_goes_to_another_host(connected, monkeypatch))
    assert transport.left


async def test_a_renewal_without_the_rows_lock_is_noticed(
    connected: Bench, settings: Settings, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "HOLD", tokens.READ)
    await must_fail(
        test_contract.TestRenewal().test_two_processes_do_not_end_each_others_token(connected, settings, keys)
    )


@pytest.mark.canvas_key(SCOPED)
async def test_a_missing_scope_that_renews_is_noticed(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, client._token_is_dead, 'or "WWW-Authenticate" not in response.headers', "")
    await must_fail(test_client.test_a_scope_that_was_never_given_is_named_and_does_not_renew(connected))
