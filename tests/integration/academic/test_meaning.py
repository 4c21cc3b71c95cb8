"""What is made of a synced Canvas and of a student's own tasks: numbers with their parts, and honest silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotFound
from core.ids import new_id
from db.access import Acting
from tests.integration.canvas.conftest import JONAS, NOW, Bench
from tools.academic import desk, tasks
from tools.academic.canvas.meaning import WorkState
from tools.academic.desk import Look
from tools.academic.felt import answer_week, week_answers
from tools.academic.known import as_of
from tools.academic.study import Busy, StudyTimes, assumed, read_week, save_week
from tools.people.consent import ConsentKind, withdraw_consent
from tools.people.keys import student_key


async def look(bench: Bench, who: Acting | None = None) -> Look:
    return await desk.look(bench.people_db, who or bench.people.maya, bench.clock.now())


async def add(bench: Bench, title: str, *, due: timedelta | None = None, **more: object) -> tasks.Task:
    async with bench.people_db.acting(bench.people.maya) as tx:
        at = bench.clock.now() + due if due is not None else None
        return await tasks.create_task(tx, await student_key(tx), title=title, due_at=at, **more)  # type: ignore[arg-type]


class TestOverCanvas:
    async def test_work_and_tasks_are_one_list(self, connected: Bench) -> None:
        await add(connected, "Book tutor", due=timedelta(days=2))
        seen = await look(connected)
        assert {item.source for item in seen.known.items} == {"canvas", "own"}
        assert "Reading log 3" not in {item.title for item in seen.known.items}, "excused work is no work"
        assert as_of(seen.known) == "From Canvas, as of today at 12:00."

    async def test_shares_follow_groups_and_points(self, connected: Bench) -> None:
        shares = {item.title: item.weight for item in (await look(connected)).known.items}
        assert shares["Midterm 2"] == pytest.approx(0.45 / 2)
        assert shares["Problem set 3"] == pytest.approx(0.40 / 4)
        assert shares["Course survey"] == 0

    async def test_the_exam_that_counts_most_comes_before_a_log_that_is_sooner(self, connected: Bench) -> None:
        titles = [one.item.title for one in (await look(connected)).ranked]
        assert titles.index("Midterm 2") < titles.index("Extra reading")
        assert "Problem set 1" not in titles
        assert "Problem set 2" not in titles, "graded and hidden is not open"

    async def test_pressure_has_its_four_parts(self, connected: Bench) -> None:
        found = (await look(connected)).pressure
        assert found.score is not None
        assert [part.name for part in found.parts] == ["load", "clashes", "owed", "grades"]
        assert found.score == sum(part.points for part in found.parts)
        owed = found.parts[2]
        assert owed.value is not None
        assert owed.value > 0
        assert "Missing work" in owed.said

    async def test_missing_says_what_canvas_still_takes(self, connected: Bench) -> None:
        missing = [item for item in (await look(connected)).known.items if item.missing]
        assert {item.title for item in missing} == {"Reading log 2", "Lab report 2"}
        assert all("Canvas still takes it" in item.said for item in missing)

    async def test_the_plan_keeps_the_lab_session_free(self, connected: Bench) -> None:
        seen = await look(connected)
        assert len(seen.busy) == 1
        start, end = seen.busy[0]
        assert seen.plan.blocks
        assert not any(block.start < end and start < block.end for block in seen.plan.blocks)

    async def test_a_course_that_hides_its_total_has_no_number(self, bench: Bench) -> None:
        jonas = bench.people.jonas
        await bench.connect(jonas, JONAS)
        assert await bench.sync(jonas) == "current"
        seen = await look(bench, jonas)
        from tools.academic.overview import overview  # noqa: PLC0415

        history = next(course for course in overview(seen.known).courses if course.name == "The World since 1945")
        assert (history.percent, history.grade) == (None, None)
        assert history.said.startswith("Your campus or teacher hides")

    async def test_a_yes_taken_back_leaves_only_tasks(self, connected: Bench) -> None:
        await add(connected, "Laundry")
        async with connected.people_db.acting(connected.people.maya) as tx:
            await withdraw_consent(tx, ConsentKind.CANVAS, at=NOW)
        seen = await look(connected)
        assert [item.title for item in seen.known.items] == ["Laundry"]
        assert as_of(seen.known) == "Canvas isn't connected, so only your own tasks are known."
        assert seen.pressure.score is None

    async def test_what_is_new_in_canvas_is_new_here(self, connected: Bench) -> None:
        where = {"assignment_id": 86651, "user_id": 4821}
        posted = {"posted_at": "2026-09-24T18:05:00Z"}
        connected.change(op="change", table="submissions", where=where, values=posted)
        connected.pass_time(timedelta(minutes=15))
        before = {item.title: item.state for item in (await look(connected)).known.items}
        assert before["Problem set 2"] is WorkState.NOT_RELEASED
        assert await connected.sync(connected.people.maya) == "current"
        after = {item.title: item.state for item in (await look(connected)).known.items}
        assert after["Problem set 2"] is WorkState.GRADED

    async def test_looking_at_ones_work_is_a_sign_of_life(self, connected: Bench) -> None:
        """Who comes back to the page after a fortnight gets a look at Canvas soon, not in six hours."""
        connected.pass_time(timedelta(days=14))
        assert await connected.sync(connected.people.maya) == "current"
        connected.pass_time(timedelta(minutes=1))
        await look(connected)
        awake = (await connected.connection(connected.people.maya)).next_sync_at
        assert awake is not None
        assert awake <= connected.clock.now() + timedelta(minutes=15)


class TestOwnWords:
    async def test_a_task_is_changed_done_reopened_and_deleted(self, bench: Bench) -> None:
        task = await add(bench, "  Read   chapter 4 ", due=timedelta(days=1), estimate_minutes=60, importance="high")
        assert (task.title, task.importance) == ("Read chapter 4", "high")
        async with bench.people_db.acting(bench.people.maya) as tx:
            key = await student_key(tx)
            changed = await tasks.change_task(tx, key, task.id, {"title": "Read chapter 5", "due_at": None})
            assert (changed.title, changed.due_at, changed.estimate_minutes) == ("Read chapter 5", None, 60)
            done = await tasks.complete_task(tx, key, task_id=task.id, at=NOW, spent_minutes=90)
            assert (done.completed_at, done.spent_minutes) == (NOW, 90)
            assert (await tasks.reopen_task(tx, key, task.id)).completed_at is None
            await tasks.delete_task(tx, task.id)
            with pytest.raises(NotFound):
                await tasks.read_task(tx, key, task.id)

    @pytest.mark.parametrize("wrong", ["jonas", "rosa", "operator", "stranger", "foreign_counselor"])
    async def test_nobody_else_reads_or_changes_any_of_it(self, bench: Bench, wrong: str) -> None:
        task, somebody = await add(bench, "Mine"), getattr(bench.people, wrong)
        async with bench.people_db.acting(bench.people.maya) as tx:
            await save_week(tx, await student_key(tx), assumed(), at=NOW)
            await answer_week(tx, 7, 40, at=NOW, today=NOW.date())
        for table in ("tasks", "study_times", "week_answers"):
            assert bench.rows(f"select count(*) from {table}") == [(1,)]  # noqa: S608
            async with bench.people_db.acting(somebody) as tx:
                row = await (await tx.conn.execute(f"select count(*) from {table}")).fetchone()  # noqa: S608
                assert row == (0,), table
        if somebody.student_id is not None:
            async with bench.people_db.acting(somebody) as tx:
                with pytest.raises(NotFound):
                    await tasks.delete_task(tx, task.id)
                with pytest.raises(NotFound):
                    await tasks.change_task(tx, await student_key(tx), task.id, {"title": "Theirs"})

    async def test_times_are_sealed_and_come_back(self, bench: Bench) -> None:
        taken = Busy.model_validate({"weekday": 1, "start": "18:00", "end": "21:00", "label": "Night shift"})
        times = StudyTimes(**assumed().model_dump() | {"busy": (taken,), "free_hours": (1, 2, 3, 4, 5, 6, 7)})
        async with bench.people_db.acting(bench.people.maya) as tx:
            key = await student_key(tx)
            assert not (await read_week(tx, key)).said
            await save_week(tx, key, times, at=NOW)
            found = await read_week(tx, key)
        assert (found.times, found.said) == (times, True)
        assert b"Night" not in bytes(bench.rows("select times_sealed from study_times")[0][0])

    async def test_one_answer_a_week(self, bench: Bench) -> None:
        async with bench.people_db.acting(bench.people.maya) as tx:
            for felt, days in ((3, 0), (8, 3), (5, 7)):
                at = NOW + timedelta(days=days)
                await answer_week(tx, felt, None, at=at, today=at.date())
            assert [(one.felt, one.score) for one in await week_answers(tx)] == [(5, None), (8, None)]

    async def test_a_task_that_is_nobodys_is_not_found(self, bench: Bench) -> None:
        async with bench.people_db.acting(bench.people.maya) as tx:
            with pytest.raises(NotFound):
                await tasks.reopen_task(tx, await student_key(tx), new_id())
