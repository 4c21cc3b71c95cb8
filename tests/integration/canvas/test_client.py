"""The client against every fault of transport and token: it ends with the whole list, or with a failure that has a name."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.integration.canvas.conftest import MAYA, PRIYA, SCOPED, Bench
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.failures import (
    Busy,
    CanvasFailure,
    ForeignAddress,
    Incomplete,
    NotPermitted,
    Refused,
    SignInAgain,
    Unreachable,
)
from tools.academic.canvas.models import Course
from tools.academic.canvas.sync import sync

PLANNER = [("start_date", "2026-09-01"), ("end_date", "2026-10-20")]
COURSES = "/api/v1/courses"


async def names(bench: Bench) -> list[str]:
    rows = await bench.desk.client(bench.people.maya).rows("courses", [("enrollment_state", "active")])
    return sorted(str(row.get("name")) for row in rows)


def small_pages(monkeypatch: pytest.MonkeyPatch, size: int = 4) -> None:
    """Let lists have several pages."""
    monkeypatch.setitem(load_figures()["requests"], "per_page", size)


ALL = ["Introduction to Psychology", "None", "Organic Chemistry I", "Statistics for the Sciences"]


@pytest.mark.parametrize(
    "kind",
    ["throttled_429", "throttled_403", "server_error", "bad_gateway", "timeout", "truncated_json", "dropped_link"],
)
async def test_a_fault_that_passes_is_waited_out(connected: Bench, kind: str) -> None:
    connected.fault(kind, COURSES)
    assert await names(connected) == ALL
    assert len(connected.waited) == 1
    assert 1.0 <= connected.waited[0] <= 1.5


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("throttled_429", Busy),
        ("throttled_403", Busy),
        ("server_error", Unreachable),
        ("bad_gateway", Unreachable),
        ("timeout", Unreachable),
        ("slow_body", Unreachable),
        ("truncated_json", Incomplete),
        ("dropped_link", Incomplete),
    ],
)
async def test_a_fault_that_stays_has_a_name(connected: Bench, kind: str, failure: type[CanvasFailure]) -> None:
    connected.fault(kind, COURSES, times=None)
    with pytest.raises(failure):
        await names(connected)
    assert connected.waited == sorted(connected.waited)


async def test_a_slow_body_that_arrives_is_read(connected: Bench) -> None:
    connected.fault("slow_body", COURSES, seconds=0.1)
    assert await names(connected) == ALL
    assert connected.waited == []


async def test_lower_case_headers_page_all_the_same(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, 2)
    connected.fault("lower_case_headers", COURSES, times=None)
    assert await names(connected) == ALL


async def test_bookmark_pages_bring_the_same_as_one_page(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    client = connected.desk.client(connected.people.maya)
    whole = await client.rows("planner/items", PLANNER)
    small_pages(monkeypatch)
    assert await client.rows("planner/items", PLANNER) == whole
    assert len(whole) > 12


async def test_a_row_that_comes_twice_is_kept_once(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, 2)
    connected.fault("duplicate_row", COURSES, after=1)
    assert await names(connected) == ALL


async def test_the_token_never_goes_to_another_host(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, 2)
    connected.fault("foreign_next", COURSES)
    with pytest.raises(ForeignAddress):
        await names(connected)


async def test_a_token_that_ends_between_pages_is_renewed_once(
    connected: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch, 2)
    expiry = {"op": "tokens", "user_id": MAYA, "effect": "expire"}
    before = len(connected.asked("oauth2/token"))
    connected.fault("change", COURSES, after=1, changes=[expiry])
    assert await names(connected) == ALL
    assert len(connected.asked("oauth2/token")) == before + 1


async def test_the_hour_is_over_before_the_request(connected: Bench) -> None:
    connected.pass_time(timedelta(minutes=59, seconds=30))
    before = len(connected.asked())
    assert await names(connected) == ALL
    assert [row["outcome"] for row in connected.asked()[before:]] == ["200", "200"]


async def test_ten_at_once_renew_once(connected: Bench) -> None:
    """A second renewal would end the token of the first: without the lock some of these would be told to sign in."""
    before = len(connected.asked("oauth2/token"))
    connected.change(op="tokens", user_id=MAYA, effect="expire")
    found = await asyncio.gather(*(names(connected) for _ in range(10)))
    assert found == [ALL] * 10
    assert len(connected.asked("oauth2/token")) == before + 1


async def test_the_refresh_token_stays_for_the_next_hours(connected: Bench) -> None:
    for _ in range(3):
        connected.pass_time(timedelta(hours=2))
        assert await names(connected) == ALL


@pytest.mark.parametrize("effect", ["revoke", "expire_for_good", "refuse_refresh"])
async def test_a_permission_that_ended_is_not_asked_for_again_and_again(connected: Bench, effect: str) -> None:
    before = len(connected.asked())
    connected.change(op="tokens", user_id=MAYA, effect=effect)
    with pytest.raises(SignInAgain):
        await names(connected)
    assert len(connected.asked()) - before <= 2


@pytest.mark.canvas_key(SCOPED)
async def test_a_scope_that_was_never_given_is_named_and_does_not_renew(connected: Bench) -> None:
    before = len(connected.asked("oauth2/token"))
    with pytest.raises(NotPermitted):
        await connected.desk.client(connected.people.maya).rows("users/self/todo")
    assert len(connected.asked("oauth2/token")) == before


@pytest.mark.parametrize("newer", [False, True])
async def test_what_is_not_the_students_is_refused(connected: Bench, newer: bool) -> None:
    connected.simulated.control.behave(api_auth_error_updates=newer)
    before = len(connected.asked("oauth2/token"))
    for path in ("courses/31540/assignment_groups", "courses/999/assignment_groups"):
        with pytest.raises(Refused):
            await connected.desk.client(connected.people.maya).rows(path)
    assert len(connected.asked("oauth2/token")) == before


async def test_ids_beyond_what_json_numbers_hold_are_text(bench: Bench) -> None:
    await bench.connect(bench.people.jonas, PRIYA)
    for string_ids in (True, False):
        bench.simulated.control.behave(string_ids=string_ids)
        assert await sync(bench.desk, bench.people.jonas) == "current"
        [marine] = [one for one in await bench.all(bench.people.jonas, Course) if one.id.startswith("1000")]
        assert marine.id == "100000000000031427"


async def test_the_throttle_of_canvas_itself_is_lived_with(connected: Bench) -> None:
    """A small bucket, both refusals: we wait for it to leak, and everything comes."""
    for as_429 in (True, False):
        connected.simulated.control.behave(send_429=as_429, throttle={"high_water": 60, "maximum": 60, "outflow": 10})
        assert [await names(connected) for _ in range(6)] == [ALL] * 6
    assert connected.waited


async def test_many_failures_in_a_row_give_canvas_a_rest(connected: Bench) -> None:
    connected.fault("server_error", COURSES, times=None)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await names(connected)
    connected.fault("lower_case_headers", "nothing")
    reached = len(connected.asked())
    with pytest.raises(Unreachable, match="resting"):
        await names(connected)
    assert len(connected.asked()) == reached
    connected.pass_time(timedelta(minutes=2))
    assert await names(connected) == ALL


async def test_the_token_endpoint_is_metered(connected: Bench) -> None:
    governor = connected.desk.governor
    with pytest.raises(Busy):
        for _ in range(4):
            governor.take_token_request()
    connected.clock.advance(timedelta(hours=1))
    governor.take_token_request()
