"""One look at Canvas after another: right data, or a status that says what is the matter and how old things are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.canvas.conftest import CHEMISTRY, JONAS, MAYA, NO_INCLUDES, NOW, SCOPED, UNSCOPED, Bench
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.meaning import WorkState, is_missing, said_of, state_of, visible_score
from tools.academic.canvas.models import Announcement, Course, Event, Note, Work
from tools.academic.canvas.times import first_zone

DENVER = first_zone(["America/Denver"])
PROBLEM_SET_3 = 86658
FAULTS_THAT_STAY = {
    "throttled_429": "busy",
    "throttled_403": "busy",
    "server_error": "unreachable",
    "bad_gateway": "unreachable",
    "timeout": "unreachable",
    "slow_body": "unreachable",
    "truncated_json": "incomplete",
    "dropped_link": "incomplete",
}
HARMLESS = ("lower_case_headers", "duplicate_row", "clock_skew")


async def said(bench: Bench, name: str) -> str:
    return said_of(await bench.work(bench.people.maya, name), bench.clock.now(), DENVER)


class TestFirstLook:
    async def test_everything_that_maya_sees(self, connected: Bench) -> None:
        maya = connected.people.maya
        courses = {course.name for course in await connected.all(maya, Course)}
        assert courses == {"Organic Chemistry I", "Introduction to Psychology", "Statistics for the Sciences", None}
        chemistry = await connected.course(maya)
        assert {share.name: share.percent for share in chemistry.shares} == {"Problem sets": 40, "Exams": 45, "Lab": 15}
        assert chemistry.current is not None
        assert chemistry.current.computed_current_score is not None
        assert {event.title for event in await connected.all(maya, Event)} == {"Lab safety session"}
        assert {note.title for note in await connected.all(maya, Note)} == {"Book tutor"}
        news = {one.title for one in await connected.all(maya, Announcement)}
        assert news == {"Exam room change", "Office hours this week"}
        assert len(await connected.all(maya, Work)) == 25

    async def test_the_status_in_the_students_own_time(self, connected: Bench) -> None:
        status = await connected.status(connected.people.maya)
        assert (status.state, status.courses, status.missing) == ("current", 4, 2)
        assert status.text == "Canvas is connected. What is shown here is from today at 12:00."
        assert status.synced_at is not None
        assert status.synced_at.utcoffset() == timedelta(hours=-6)

    async def test_nothing_of_it_is_readable_on_disk(self, connected: Bench) -> None:
        stored = connected.rows("select detail_sealed from canvas_mirror")
        stored += connected.rows(
            "select access_sealed from canvas_tokens union select refresh_sealed from canvas_tokens"
        )
        text = b" ".join(bytes(row[0]) for row in stored)
        assert len(stored) > 30
        assert not any(words in text for words in (b"Chemistry", b"Book tutor", b"10000~", b"score"))

    @pytest.mark.parametrize("wrong", ["jonas", "rosa", "operator", "stranger", "foreign_counselor"])
    async def test_nobody_else_sees_a_row(self, connected: Bench, wrong: str) -> None:
        await connected.answer_of(connected.people.maya, MAYA)
        for table in ("canvas_connections", "canvas_tokens", "canvas_sign_ins", "canvas_mirror"):
            assert connected.rows(f"select count(*) from {table}") != [(0,)]  # noqa: S608
            async with connected.desk.db.acting(getattr(connected.people, wrong)) as tx:
                row = await (await tx.conn.execute(f"select count(*) from {table}")).fetchone()  # noqa: S608
            assert row == (0,), table

    @pytest.mark.canvas_key(NO_INCLUDES)
    async def test_a_key_that_may_not_include_brings_the_same_work(self, connected: Bench) -> None:
        work = await connected.all(connected.people.maya, Work)
        assert len(work) == 25
        assert all(one.submission is not None for one in work)
        assert await said(connected, "Problem set 2") == "The grade isn't released yet."

    async def test_old_planner_items_are_understood(self, bench: Bench) -> None:
        bench.simulated.control.behave(old_planner_shape=True)
        await bench.connect(bench.people.maya, MAYA)
        assert await bench.sync(bench.people.maya) == "current"
        assert len(await bench.all(bench.people.maya, Work)) == 25


class TestMeaning:
    async def test_what_is_said(self, connected: Bench) -> None:
        assert await said(connected, "Problem set 1") == "Graded: 16.2 of 20."
        assert await said(connected, "Problem set 2") == "The grade isn't released yet."
        assert await said(connected, "Problem set 3") == "Due Tuesday 29 September at 23:59."
        assert await said(connected, "Reading log 3") == "You are excused from this one."
        assert await said(connected, "Extra reading") == "No due date."
        assert "Canvas still takes it" in await said(connected, "Lab report 2")
        assert (await said(connected, "Homework 2")).startswith("Handed in again after grading")

    async def test_a_hidden_grade_is_no_nought(self, connected: Bench) -> None:
        hidden = await connected.work(connected.people.maya, "Problem set 2")
        assert state_of(hidden, NOW) is WorkState.NOT_RELEASED
        assert visible_score(hidden) is None

    async def test_missing_comes_with_the_clock_and_not_with_a_look(self, connected: Bench) -> None:
        work = await connected.work(connected.people.maya, "Problem set 3")
        assert work.due is not None
        assert not is_missing(work, work.due)
        assert is_missing(work, work.due + timedelta(seconds=1))
        report = await connected.work(connected.people.maya, "Lab report 2")
        assert state_of(report, NOW) is WorkState.MISSING
        assert state_of(report, NOW + timedelta(days=10)) is WorkState.MISSING_CLOSED
        exam = await connected.work(connected.people.maya, "Midterm 2")
        assert state_of(exam, NOW + timedelta(days=30)) is WorkState.PAST

    async def test_our_missing_is_canvass_missing(self, connected: Bench) -> None:
        client = connected.desk.client(connected.people.maya)
        theirs = {row["name"] for row in await client.rows("users/self/missing_submissions")}
        ours = {one.name for one in await connected.all(connected.people.maya, Work) if is_missing(one, NOW)}
        assert ours == theirs == {"Reading log 2", "Lab report 2"}


class TestChanges:
    async def test_nothing_new_costs_little(self, connected: Bench) -> None:
        before, picture = len(connected.asked()), await connected.picture(connected.people.maya)
        connected.pass_time(timedelta(minutes=15))
        assert await connected.sync(connected.people.maya) == "current"
        asked = connected.asked()[before:]
        assert len(asked) == 4
        assert [row["outcome"] for row in asked if "planner" in row["path"]] == ["304"]
        assert await connected.picture(connected.people.maya) == picture

    async def changed(self, bench: Bench, *steps: dict[str, Any]) -> list[str]:
        """Change Canvas's world, look again a quarter of an hour later; returns the courses that were read again."""
        for step in steps:
            bench.change(**step)
        before = len(bench.asked())
        bench.pass_time(timedelta(minutes=15))
        assert await bench.sync(bench.people.maya) == "current"
        return [row["path"].split("/")[4] for row in bench.asked()[before:] if "assignment_groups" in row["path"]]

    async def test_a_due_date_that_moved(self, connected: Bench) -> None:
        moved = {"op": "change", "table": "assignments", "where": {"id": PROBLEM_SET_3}}
        again = await self.changed(connected, moved | {"values": {"overrides": [], "due_at": "2026-10-01T05:59:59Z"}})
        assert again == [CHEMISTRY]
        work = await connected.work(connected.people.maya, "Problem set 3")
        assert work.due == datetime(2026, 10, 1, 5, 59, 59, tzinfo=UTC)

    async def test_a_grade_that_is_posted_later_than_it_was_given(self, connected: Bench) -> None:
        where = {"assignment_id": 86651, "user_id": MAYA}
        posted = {
            "op": "change",
            "table": "submissions",
            "where": where,
            "values": {"posted_at": "2026-09-24T18:05:00Z"},
        }
        assert await self.changed(connected, posted) == [CHEMISTRY]
        assert (await said(connected, "Problem set 2")).startswith("Graded: ")

    async def test_a_grade_that_is_taken_back(self, connected: Bench) -> None:
        where = {"assignment_id": 86650, "user_id": MAYA}
        unposted = {"op": "change", "table": "submissions", "where": where, "values": {"posted_at": None}}
        assert CHEMISTRY in await self.changed(connected, unposted)
        work = await connected.work(connected.people.maya, "Problem set 1")
        assert (state_of(work, NOW), visible_score(work)) == (WorkState.NOT_RELEASED, None)

    async def test_work_that_vanishes_is_deleted(self, connected: Bench) -> None:
        assert await self.changed(connected, {"op": "remove", "table": "assignments", "where": {"id": PROBLEM_SET_3}})
        assert "Problem set 3" not in {one.name for one in await connected.all(connected.people.maya, Work)}

    async def test_a_course_that_concludes_goes_with_all_of_its_work(self, connected: Bench) -> None:
        concluded = {"op": "change", "table": "courses", "where": {"id": int(CHEMISTRY)}, "values": {"concluded": True}}
        await self.changed(connected, concluded)
        assert CHEMISTRY not in {course.id for course in await connected.all(connected.people.maya, Course)}
        assert CHEMISTRY not in {one.course_id for one in await connected.all(connected.people.maya, Work)}
        assert {one.title for one in await connected.all(connected.people.maya, Announcement)} == {
            "Office hours this week"
        }

    async def test_a_course_that_concludes_between_two_requests(self, connected: Bench) -> None:
        step = {"op": "change", "table": "courses", "where": {"id": int(CHEMISTRY)}, "values": {"concluded": True}}
        connected.fault("change", "planner", changes=[step])
        connected.pass_time(timedelta(minutes=15))
        assert await connected.sync(connected.people.maya) == "current"
        connected.pass_time(timedelta(minutes=15))
        assert await connected.sync(connected.people.maya) == "current"
        assert CHEMISTRY not in {one.course_id for one in await connected.all(connected.people.maya, Work)}

    async def test_a_course_that_concludes_between_pages(
        self, connected: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(load_figures()["requests"], "per_page", 2)
        step = {"op": "change", "table": "courses", "where": {"id": 31510}, "values": {"concluded": True}}
        connected.fault("change", "/api/v1/courses\\?", after=1, changes=[step])
        connected.pass_time(timedelta(minutes=15))
        assert await connected.sync(connected.people.maya) == "current"
        assert "31510" not in {course.id for course in await connected.all(connected.people.maya, Course)}
        assert CHEMISTRY in {course.id for course in await connected.all(connected.people.maya, Course)}

    async def test_everything_is_read_again_every_six_hours(self, connected: Bench) -> None:
        connected.pass_time(timedelta(hours=6))
        before = len(connected.asked("assignment_groups"))
        assert await connected.sync(connected.people.maya) == "current"
        assert len(connected.asked("assignment_groups")) - before == 3


class TestFaults:
    @pytest.mark.parametrize("kind", sorted(FAULTS_THAT_STAY))
    async def test_a_fault_that_stays_becomes_a_status_and_leaves_the_data(self, connected: Bench, kind: str) -> None:
        maya, picture = connected.people.maya, await connected.picture(connected.people.maya)
        connected.pass_time(timedelta(minutes=15))
        connected.fault(kind, "/api/v1", times=None)
        assert await connected.sync(maya) == FAULTS_THAT_STAY[kind]
        assert await connected.picture(maya) == picture
        status = await connected.status(maya)
        assert "What is shown here is from today at 12:00." in status.text
        assert "The next try is " in status.text
        assert "UTC" not in status.text
        connected.simulated.control.set_faults()
        connected.pass_time(timedelta(hours=1))
        assert await connected.sync(maya) == "current"
        assert (await connected.connection(maya)).failures == 0

    @pytest.mark.parametrize("kind", [*sorted(FAULTS_THAT_STAY), *HARMLESS])
    async def test_a_fault_that_passes_leaves_the_right_data(self, bench: Bench, kind: str) -> None:
        maya = bench.people.maya
        await bench.connect(maya, MAYA)
        bench.fault(kind, "/api/v1", times=2, after=1)
        assert await bench.sync(maya) == "current"
        assert len(await bench.all(maya, Work)) == 25
        assert (await bench.status(maya)).missing == 2

    async def test_a_list_that_goes_on_elsewhere_is_not_followed(
        self, connected: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(load_figures()["requests"], "per_page", 2)
        picture = await connected.picture(connected.people.maya)
        connected.fault("foreign_next", "/api/v1/courses", times=None)
        assert await connected.sync(connected.people.maya) == "incomplete"
        assert await connected.picture(connected.people.maya) == picture

    async def test_one_course_that_cannot_be_read_stops_no_other(self, bench: Bench) -> None:
        await bench.connect(bench.people.maya, MAYA)
        bench.fault("truncated_json", f"courses/{CHEMISTRY}/assignment_groups", times=None)
        assert await bench.sync(bench.people.maya) == "incomplete"
        assert {one.course_id for one in await bench.all(bench.people.maya, Work)} == {"31500", "31510"}
        bench.simulated.control.set_faults()
        bench.pass_time(timedelta(minutes=15))
        assert await bench.sync(bench.people.maya) == "current"
        assert len(await bench.all(bench.people.maya, Work)) == 25

    @pytest.mark.parametrize("effect", ["revoke", "expire_for_good", "refuse_refresh"])
    async def test_a_permission_that_ended_waits_for_the_student(self, connected: Bench, effect: str) -> None:
        maya = connected.people.maya
        connected.change(op="tokens", user_id=MAYA, effect=effect)
        assert await connected.sync(maya) == "sign_in_again"
        assert (await connected.connection(maya)).next_sync_at is None
        status = await connected.status(maya)
        assert status.text.startswith("Your permission for Canvas has ended. If you want, connect it again.")
        assert not status.connected
        await connected.connect(maya, MAYA)
        assert await connected.sync(maya) == "current"

    async def test_a_token_that_ends_midway_is_renewed_and_nothing_is_lost(self, bench: Bench) -> None:
        await bench.connect(bench.people.maya, MAYA)
        bench.fault("change", "planner", changes=[{"op": "tokens", "user_id": MAYA, "effect": "expire"}])
        assert await bench.sync(bench.people.maya) == "current"
        assert len(await bench.all(bench.people.maya, Work)) == 25

    @pytest.mark.canvas_key(SCOPED)
    async def test_a_scope_that_the_campus_took_away(self, connected: Bench) -> None:
        """All of the key's tokens end with it; a new sign-in is refused until the key is repaired."""
        connected.change(op="remove_scope", key_id=int(SCOPED[0]), scope="url:GET|/api/v1/announcements")
        assert await connected.sync(connected.people.maya) == "sign_in_again"
        answer = await connected.answer_of(connected.people.maya, MAYA)
        assert answer["error"] == "invalid_scope"

    @pytest.mark.canvas_key(("10001", "a wrong secret"))
    async def test_a_wrong_key_is_the_operators_matter(self, bench: Bench) -> None:
        from tools.academic.canvas.service import CanvasSignIn  # noqa: PLC0415

        with pytest.raises(CanvasSignIn, match="Only the people who run the service"):
            await bench.connect(bench.people.maya, MAYA)

    async def test_two_students_do_not_mix(self, connected: Bench) -> None:
        await connected.connect(connected.people.jonas, JONAS)
        assert await connected.sync(connected.people.jonas) == "current"
        jonas = {course.id for course in await connected.all(connected.people.jonas, Course)}
        assert "31540" in jonas
        assert "31540" not in {course.id for course in await connected.all(connected.people.maya, Course)}
        assert UNSCOPED[0] == connected.desk.config.client_id
