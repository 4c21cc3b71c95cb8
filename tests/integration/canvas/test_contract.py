"""The contract's list of what the simulator does and breaks, line by line: each ends with right data or a status with words."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest

from core.crypto import KeyRing
from core.settings import Settings
from db.access import Database
from simulators.canvas.faults import FaultKind
from simulators.canvas.settings import Behaviour
from simulators.canvas.tokens import TokenEffect
from tests.integration.canvas import test_client, test_sync
from tests.integration.canvas.conftest import CHEMISTRY, JONAS, MAYA, NOW, PRIYA, SCOPED, Bench
from tools.academic.canvas import service
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.desk import CanvasDesk, canvas_over
from tools.academic.canvas.meaning import WorkState, is_missing, state_of, visible_score
from tools.academic.canvas.models import Course, Work
from tools.academic.canvas.sync import sync

SAM = 4824
COURSES = "/api/v1/courses"


def test_no_fault_and_no_switch_is_without_a_test() -> None:
    """A new fault or switch of the simulator fails here until somebody says what comes of it."""
    stays, harmless = set(test_sync.FAULTS_THAT_STAY), set(test_sync.HARMLESS)
    assert {kind.value for kind in FaultKind} == stays | harmless | {"foreign_next", "change"}
    assert {effect.value for effect in TokenEffect} == {"expire", "revoke", "expire_for_good", "refuse_refresh"}
    assert set(Behaviour.model_fields) == {
        "api_auth_error_updates", "send_429", "string_ids", "old_planner_shape", "no_redirect_on_oauth_token_method",
        "latency_ms", "throttle",
    }  # fmt: skip


class TestFaultsOnTheWay:
    @pytest.mark.parametrize("status", [502, 503, 504])
    async def test_every_page_of_the_servers_in_front(self, connected: Bench, status: int) -> None:
        picture = await connected.picture(connected.people.maya)
        connected.fault("bad_gateway", "/api/v1", status=status, times=None)
        assert await connected.sync(connected.people.maya) == "unreachable"
        assert await connected.picture(connected.people.maya) == picture
        assert (await connected.status(connected.people.maya)).text.startswith("Canvas doesn't answer at the moment.")

    @pytest.mark.parametrize("kind", ["dropped_link", "truncated_json", "server_error", "timeout", "throttled_429"])
    @pytest.mark.parametrize("path", ["assignment_groups", "planner", "missing_submissions", "announcements"])
    async def test_a_fault_in_the_middle_never_deletes(self, connected: Bench, kind: str, path: str) -> None:
        """Only what came whole is stored; nothing is taken for gone because a later page did not come."""
        maya, names = connected.people.maya, {one.name for one in await connected.all(connected.people.maya, Work)}
        connected.pass_time(timedelta(hours=7))
        connected.fault(kind, path, times=None)
        assert await connected.sync(maya) == test_sync.FAULTS_THAT_STAY[kind]
        assert {one.name for one in await connected.all(maya, Work)} == names
        connected.simulated.control.set_faults()
        connected.pass_time(timedelta(hours=1))
        assert await connected.sync(maya) == "current"
        assert {one.name for one in await connected.all(maya, Work)} == names

    async def test_a_token_that_ends_between_two_pages_of_a_sync(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        test_client.small_pages(monkeypatch, 3)
        await bench.connect(bench.people.maya, MAYA)
        ends = {"op": "tokens", "user_id": MAYA, "effect": "expire"}
        bench.fault("change", "assignment_groups", after=1, changes=[ends])
        assert await bench.sync(bench.people.maya) == "current"
        assert len(await bench.all(bench.people.maya, Work)) == 25


class TestRenewal:
    async def test_two_processes_do_not_end_each_others_token(
        self, connected: Bench, settings: Settings, keys: KeyRing
    ) -> None:
        """Each has a pool, a governor and a memory of its own; what they share is the row that a renewal holds."""
        before = len(connected.asked("oauth2/token"))
        connected.change(op="tokens", user_id=MAYA, effect="expire")
        # Slow enough that all three meet the dead token before one of them has a new one.
        connected.simulated.control.behave(latency_ms=150, throttle={"on": False})
        async with AsyncExitStack() as stack:
            desks = [await self.process(connected, settings, keys, stack) for _ in range(3)]
            states = await asyncio.gather(*(sync(desk, connected.people.maya) for desk in desks))
        assert states == ["current"] * 3
        assert len(connected.asked("oauth2/token")) == before + 1

    async def process(self, bench: Bench, settings: Settings, keys: KeyRing, stack: AsyncExitStack) -> CanvasDesk:
        db = Database(settings.worker_dsn.get_secret_value(), keys, size=2)
        stack.push_async_callback(db.close)
        await db.open()
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        return canvas_over(bench.desk.config, db, bench.clock, http, bench.pause)

    async def test_the_token_endpoint_counts_by_address(self, bench: Bench) -> None:
        """With Canvas's own figures the fourth student at once is put off, and told so; an hour later all are current."""
        maya, jonas = bench.people.maya, bench.people.jonas
        await bench.connect(maya, MAYA)
        await bench.connect(jonas, JONAS)
        bench.simulated.control.behave(throttle={"on": True})
        for _ in range(3):
            await bench.desk.http.post(
                f"{bench.simulated.base_url}/login/oauth2/token", data={"grant_type": "nonsense"}
            )
        for user in (MAYA, JONAS):
            bench.change(op="tokens", user_id=user, effect="expire")
        assert await bench.sync(maya) == "busy"
        status = await bench.status(maya)
        assert status.text.startswith("Canvas is busy and asked us to wait. Nothing has been read yet. The next try is")
        bench.pass_time(timedelta(hours=1))
        assert [await bench.sync(who) for who in (maya, jonas)] == ["current", "current"]

    @pytest.mark.parametrize("plain", [False, True])
    async def test_errors_of_the_token_endpoint_that_come_as_a_redirect(self, bench: Bench, plain: bool) -> None:
        bench.simulated.control.behave(no_redirect_on_oauth_token_method=plain)
        answer = await bench.answer_of(bench.people.maya, MAYA)
        with pytest.raises(service.CanvasSignIn, match="Canvas didn't accept the sign-in"):
            await service.finish_sign_in(
                bench.desk, bench.jobs, bench.people.maya, state=answer["state"], code="made up", error=None
            )
        assert [row["outcome"] for row in bench.asked("oauth2/token")] == ["400" if plain else "302"]


class TestThrottle:
    async def test_a_whole_sync_under_canvass_own_figures(self, bench: Bench) -> None:
        await bench.connect(bench.people.maya, MAYA)
        bench.simulated.control.behave(throttle={"on": True})
        assert await bench.sync(bench.people.maya) == "current"
        assert not {"403", "429"} & {row["outcome"] for row in bench.asked()}

    @pytest.mark.parametrize("as_429", [True, False])
    async def test_a_bucket_that_is_nearly_full(self, bench: Bench, as_429: bool) -> None:
        await bench.connect(bench.people.maya, MAYA)
        bench.simulated.control.behave(send_429=as_429, throttle={"high_water": 60, "maximum": 60, "outflow": 10})
        assert await bench.sync(bench.people.maya) == "current"
        assert bench.waited
        assert len(await bench.all(bench.people.maya, Work)) == 25


class TestWorld:
    @pytest.mark.parametrize("newer", [False, True])
    async def test_a_course_that_closed_to_the_student_costs_only_itself(self, connected: Bench, newer: bool) -> None:
        connected.simulated.control.behave(api_auth_error_updates=newer)
        step = {"op": "remove", "table": "enrollments", "where": {"user_id": MAYA, "course_id": 31500}}
        connected.fault("change", "planner", changes=[step])
        connected.pass_time(timedelta(hours=7))
        assert await connected.sync(connected.people.maya) == "current"
        connected.pass_time(timedelta(minutes=15))
        assert await connected.sync(connected.people.maya) == "current"
        assert {one.course_id for one in await connected.all(connected.people.maya, Work)} == {CHEMISTRY, "31510"}

    async def test_two_enrollments_in_one_course_are_one_course(self, bench: Bench) -> None:
        priya = bench.people.jonas
        await bench.connect(priya, PRIYA)
        assert await bench.sync(priya) == "current"
        ids = [course.id for course in await bench.all(priya, Course)]
        assert len(ids) == len(set(ids))
        [programming] = [course for course in await bench.all(priya, Course) if course.id == "31540"]
        assert len(programming.enrollments) == 2
        assert programming.current is not None

    async def test_hidden_totals_are_unknown_and_not_nought(self, bench: Bench) -> None:
        await bench.connect(bench.people.jonas, JONAS)
        assert await bench.sync(bench.people.jonas) == "current"
        history = await bench.course(bench.people.jonas, "31520")
        assert history.hide_final_grades
        assert history.current is not None
        assert history.current.computed_current_score is None

    async def test_what_is_closed_by_date_has_no_name_and_is_not_asked_about(self, connected: Bench) -> None:
        stub = await connected.course(connected.people.maya, "29001")
        assert (stub.name, stub.access_restricted_by_date) == (None, True)
        assert not connected.asked("courses/29001")
        assert "28800" not in {course.id for course in await connected.all(connected.people.maya, Course)}

    async def test_late_extended_and_automatic_noughts(self, bench: Bench) -> None:
        await bench.connect(bench.people.maya, SAM)
        assert await bench.sync(bench.people.maya) == "current"
        work = {one.name: one for one in await bench.all(bench.people.maya, Work)}
        assert state_of(work["Draft 1"], NOW) is WorkState.PARTLY_GRADED
        assert visible_score(work["Draft 1"]) is None
        assert is_missing(work["Homework 2"], NOW)
        assert state_of(work["Homework 3"], NOW) is WorkState.MISSING_CLOSED
        assert state_of(work["Draft 3"], NOW) is WorkState.MISSING
        where = {"assignment_id": 86742, "user_id": SAM}
        bench.change(op="change", table="submissions", where=where, values={"late_policy_status": "extended"})
        bench.pass_time(timedelta(hours=7))
        assert await bench.sync(bench.people.maya) == "current"
        [draft] = [one for one in await bench.all(bench.people.maya, Work) if one.name == "Draft 3"]
        assert not is_missing(draft, bench.clock.now())

    async def test_time_alone_makes_work_missing_here_as_there(self, connected: Bench) -> None:
        """No change in Canvas, no new sync: ours follows its own clock and ends where Canvas's list does."""
        connected.pass_time(timedelta(days=4))
        client = connected.desk.client(connected.people.maya)
        theirs = {row["name"] for row in await client.rows("users/self/missing_submissions")}
        work = await connected.all(connected.people.maya, Work)
        assert {one.name for one in work if is_missing(one, connected.clock.now())} == theirs
        assert "Homework 4" in theirs

    async def test_what_was_handed_in_and_is_not_graded_is_not_missing(self, connected: Bench) -> None:
        where = {"assignment_id": 86713, "user_id": MAYA}
        handed_in = {"submitted_at": "2026-09-25T01:00:00Z", "submission_type": "online_upload", "attempt": 1}
        connected.change(op="change", table="submissions", where=where, values=handed_in)
        connected.pass_time(timedelta(days=4))
        assert await connected.sync(connected.people.maya) == "current"
        homework = await connected.work(connected.people.maya, "Homework 4")
        assert state_of(homework, connected.clock.now()) is WorkState.HANDED_IN
        assert not is_missing(homework, connected.clock.now())

    @pytest.mark.canvas_key(SCOPED)
    async def test_a_scoped_key_reads_all_that_is_needed(self, connected: Bench) -> None:
        assert len(await connected.all(connected.people.maya, Work)) == 25

    async def test_small_pages_of_both_kinds_bring_everything(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(load_figures()["requests"], "per_page", 2)
        await bench.connect(bench.people.maya, MAYA)
        assert await bench.sync(bench.people.maya) == "current"
        assert len(await bench.all(bench.people.maya, Work)) == 25
