"""The agents' tools over Canvas and tasks: by consent, with their age, in the student's time, and nobody else's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from agents.briefing import _known
from agents.gate import Gate
from agents.memory import recall
from agents.services import TurnContext, TurnServices
from agents.state import ScreenedTurn
from agents.toolbox import ALL_TOOLS
from core.ids import TurnId, new_id
from db.access import Acting
from safety.disclosure import law_for
from tests.integration.canvas.conftest import NOW, Bench
from tools.academic import desk
from tools.academic.canvas.times import first_zone
from tools.people.consent import ConsentKind, withdraw_consent
from tools.people.uses import COMPANION, decide

READING: dict[str, dict[str, Any]] = {
    "whats_due": {"days": 7}, "grades": {}, "missing_work": {}, "what_first": {}, "workload": {}, "study_plan": {},
}  # fmt: skip


def context(bench: Bench, who: Acting) -> TurnContext:
    services = cast("TurnServices", SimpleNamespace(db=bench.people_db, clock=bench.clock))
    zone = first_zone(["America/Denver"])
    gate = Gate(lambda event: None, "en")
    return TurnContext(services, who, TurnId(new_id()), zone, "US", law_for(), "en", "", None, gate)


async def use(bench: Bench, who: Acting, name: str) -> Any:
    answer = orjson.loads(await ALL_TOOLS.call(name, READING[name], context(bench, who)))
    assert "error" not in answer, answer
    return answer["data"]


@pytest.mark.parametrize("name", READING)
async def test_each_says_how_old_canvas_is_and_no_moment_in_utc(connected: Bench, name: str) -> None:
    data = await use(connected, connected.people.maya, name)
    assert data["canvas"] == "From Canvas, as of today at 12:00."
    assert 'Z"' not in orjson.dumps(data).decode()
    assert "+00:00" not in orjson.dumps(data).decode()


async def test_what_they_read(connected: Bench) -> None:
    maya = connected.people.maya
    due = {row["title"]: row for row in (await use(connected, maya, "whats_due"))["tasks"]}
    assert due["Problem set 3"]["due"] == "2026-09-29T23:59-06:00"
    assert due["Problem set 3"]["from"] == "Canvas"
    courses = {row["course"]: row for row in (await use(connected, maya, "grades"))["courses"]}
    assert courses["Organic Chemistry I"]["not_released"] == ["Problem set 2"]
    assert "Problem set 2" not in {one["title"] for one in courses["Organic Chemistry I"]["grades"]}
    assert {row["title"] for row in (await use(connected, maya, "missing_work"))["missing"]} == {
        "Reading log 2", "Lab report 2",
    }  # fmt: skip
    assert (await use(connected, maya, "workload"))["about"].startswith("This adds up deadlines")
    assert (await use(connected, maya, "study_plan"))["blocks"]


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("wrong", ["jonas", "stranger"])
async def test_another_student_reads_nothing_of_it(connected: Bench, name: str, wrong: str) -> None:
    data = await use(connected, getattr(connected.people, wrong), name)
    assert data["canvas"] == "Canvas isn't connected, so only your own tasks are known."
    assert "Problem set" not in orjson.dumps(data).decode()


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("wrong", ["rosa", "operator", "foreign_counselor"])
async def test_who_is_no_student_gets_an_error(connected: Bench, name: str, wrong: str) -> None:
    answer = orjson.loads(
        await ALL_TOOLS.call(name, READING[name], context(connected, getattr(connected.people, wrong)))
    )
    assert "error" in answer


@pytest.mark.parametrize("name", READING)
async def test_a_yes_taken_back_holds_for_the_next_turn(connected: Bench, name: str) -> None:
    async with connected.people_db.acting(connected.people.maya) as tx:
        await withdraw_consent(tx, ConsentKind.CANVAS, at=NOW)
    assert "Problem set" not in orjson.dumps(await use(connected, connected.people.maya, name)).decode()


async def decided(bench: Bench, kind: str) -> None:
    async with bench.people_db.acting(bench.people.maya) as tx:
        await decide(tx, kind, COMPANION, granted=False, at=NOW)


@pytest.mark.parametrize("name", READING)
async def test_courses_that_the_companion_may_not_use_stay_on_the_students_page(connected: Bench, name: str) -> None:
    await decided(connected, "courses")
    data = await use(connected, connected.people.maya, name)
    assert data["canvas"] == "You switched the use of your courses off, so only your own tasks are known."
    assert "Problem set" not in orjson.dumps(data).decode()
    assert (await recall(context(connected, connected.people.maya))).work == ()
    look = await desk.look(connected.people_db, connected.people.maya, NOW)
    assert look.known.courses


@pytest.mark.parametrize("name", READING)
async def test_with_nothing_to_use_the_tool_says_so(connected: Bench, name: str) -> None:
    await decided(connected, "courses")
    await decided(connected, "tasks")
    maya = context(connected, connected.people.maya)
    assert "error" in orjson.loads(await ALL_TOOLS.call(name, READING[name], maya))


async def test_a_turn_remembers_what_is_due_in_canvas(connected: Bench) -> None:
    asked = context(connected, connected.people.maya)
    recalled = await recall(asked)
    assert recalled.complete
    assert [item.title for item in recalled.work][:2] == ["Unit quiz", "Quiz 3"]
    turn = cast("ScreenedTurn", SimpleNamespace(name="Maya", summary=""))
    told = _known(turn, recalled, asked)
    assert "Due in Canvas: Unit quiz in Introduction to Psychology (due tomorrow at 12:00)" in told
    assert "From Canvas, as of today at 12:00." in told
    stranger = await recall(context(connected, connected.people.jonas))
    assert (stranger.work, stranger.canvas) == ((), "")
