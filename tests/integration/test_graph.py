"""One screened turn through the real graph: real database, real encoder, real articles, the embedded responder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from agents.run import stream_turn
from agents.services import context_of
from agents.state import CitedPassage, ReviewedSentence, ToolActivity, TurnEvent, TurnOutcome
from agents.toolbox import ALL_TOOLS
from core.ids import StudentId
from db.access import Acting
from tests.integration.graph_desk import Desk, Silent
from tests.integration.graph_fixtures import desk, library, reader
from tools.academic.tasks import Task, create_task, list_tasks
from tools.people.keys import student_key
from tools.wellness.mood import MoodEntry, mood_history

__all__ = ["desk", "library", "reader"]


def sentences(events: Sequence[TurnEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, ReviewedSentence)]


def tools_of(events: Sequence[TurnEvent]) -> list[str]:
    return [event.tool for event in events if isinstance(event, ToolActivity)]


async def moods(desk: Desk, who: Acting) -> list[MoodEntry]:
    async with desk.db.acting(who) as tx:
        return await mood_history(tx, await student_key(tx), since=datetime.now(UTC) - timedelta(days=1))


async def tasks(desk: Desk, who: Acting) -> list[Task]:
    async with desk.db.acting(who) as tx:
        return await list_tasks(tx, await student_key(tx), include_done=True)


class TestEmbeddedTurn:
    async def test_logs_a_mood_and_says_what_it_logged(self, desk: Desk) -> None:
        events = await desk.say("log my mood as 4, anxious and tired")
        assert tools_of(events) == ["log_mood"]
        assert any("4" in sentence for sentence in sentences(events))
        logged = [(entry.score, set(entry.emotions)) for entry in await moods(desk, desk.maya)]
        assert logged == [(4, {"anxious", "tired"})]

    async def test_asks_for_the_number_and_logs_the_answer(self, desk: Desk) -> None:
        asked = await desk.say("i want to log my mood")
        assert tools_of(asked) == []
        await desk.say("6")
        assert [entry.score for entry in await moods(desk, desk.maya)] == [6]

    async def test_the_outcome_comes_last_and_once(self, desk: Desk) -> None:
        events = await desk.say("hi")
        assert [isinstance(event, TurnOutcome) for event in events] == [False] * (len(events) - 1) + [True]
        assert isinstance(events[-1], TurnOutcome)
        assert (events[-1].route, events[-1].model) == ("small_talk", "embedded")

    @pytest.mark.usefixtures("library")
    @pytest.mark.parametrize(
        ("asked", "slug"),
        [
            ("can we do a breathing exercise", "paced-breathing"),
            ("let's do a grounding exercise", "five-senses-grounding"),
            ("i can't start my lab report", "starting-when-you-cant-start"),
        ],
    )
    async def test_shows_steps_with_their_citation(self, desk: Desk, asked: str, slug: str) -> None:
        events = await desk.say(asked)
        cited = [event for event in events if isinstance(event, CitedPassage)]
        assert [passage.anchor for passage in cited] == [f"{slug}#try-this-now"]
        assert cited[0].draft
        assert any(sentence.startswith("1. ") for sentence in sentences(events))
        assert not any("[1]" in sentence for sentence in sentences(events))

    @pytest.mark.usefixtures("library")
    @pytest.mark.parametrize("asked", ["can we do a breathing exercise", "i can't start my lab report"])
    async def test_where_the_law_wants_no_led_exercise_the_page_is_named_and_not_walked_through(
        self, desk: Desk, asked: str
    ) -> None:
        """Illinois: no therapy by an AI. The page stays what it is, something to read."""
        events = await desk.answer(await desk.turn(asked, campus_region="us-il"))
        assert [event for event in events if isinstance(event, CitedPassage)]
        assert not any(sentence[:2] in ("1.", "2.", "3.") for sentence in sentences(events))
        assert any("by yourself" in sentence for sentence in sentences(events))

    @pytest.mark.usefixtures("library")
    async def test_a_gate_that_nobody_looks_at_is_noticed(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("safety.disclosure.Law.allows", lambda *_: True)
        with pytest.raises(AssertionError):
            await self.test_where_the_law_wants_no_led_exercise_the_page_is_named_and_not_walked_through(
                desk, "can we do a breathing exercise"
            )

    @pytest.mark.usefixtures("library")
    async def test_next_brings_the_following_steps_under_their_numbers(self, desk: Desk) -> None:
        await desk.say("can we do a breathing exercise")
        events = await desk.say("next")
        assert any(sentence.startswith("4. ") for sentence in sentences(events))
        assert not any(sentence.startswith("1. ") for sentence in sentences(events))

    async def test_an_empty_library_is_said_and_nothing_is_cited(self, desk: Desk) -> None:
        events = await desk.say("do you have an article about anxiety")
        assert not [event for event in events if isinstance(event, CitedPassage)]
        assert tools_of(events) == ["find_content"]

    async def test_a_task_is_stored_in_the_students_own_time(self, desk: Desk) -> None:
        await desk.say("add history essay to my list, due friday 5pm")
        (task,) = await tasks(desk, desk.maya)
        assert task.title == "History essay"
        assert task.due_at is not None
        local = task.due_at.astimezone(desk.zone)
        assert (local.strftime("%A"), local.hour) == ("Friday", 17)

    async def test_what_was_not_asked_for_is_offered_and_written_only_on_yes(self, desk: Desk) -> None:
        await desk.say("i have a chem quiz on monday, should probably write it down")
        if not await tasks(desk, desk.maya):
            await desk.say("yes")
        assert [task.title for task in await tasks(desk, desk.maya)] != []

    async def test_a_task_is_completed_by_its_name(self, desk: Desk) -> None:
        async with desk.db.acting(desk.maya) as tx:
            key = await student_key(tx)
            await create_task(tx, key, title="Lab report")
            await create_task(tx, key, title="History essay")
        await desk.say("mark the lab report as done")
        assert {task.title: task.completed_at is not None for task in await tasks(desk, desk.maya)} == {
            "Lab report": True,
            "History essay": False,
        }

    async def test_sentences_arrive_before_the_turn_has_ended(self, desk: Desk) -> None:
        stream = stream_turn(await desk.turn("i failed the midterm. i'm so stupid"), desk.services)
        first = await anext(stream)
        assert isinstance(first, ReviewedSentence)
        assert len([event async for event in stream]) >= 2

    async def test_the_same_turn_says_the_same_again(self, desk: Desk) -> None:
        turn = await desk.turn("my roommate hates me and i dread going home")
        assert sentences(await desk.answer(turn)) == sentences(await desk.answer(turn))

    async def test_data_that_cannot_be_reached_costs_only_the_memory(self, desk: Desk) -> None:
        await desk.db.close()
        assert sentences(await desk.answer(desk.screened("i failed the midterm")))


class TestTools:
    async def test_a_turn_that_runs_again_writes_once(self, desk: Desk) -> None:
        turn = await desk.turn("log my mood as 4")
        first = sentences(await desk.answer(turn))
        assert sentences(await desk.answer(replace(turn, attempt=2))) == first
        assert len(await moods(desk, desk.maya)) == 1

    async def test_another_wording_of_a_call_in_the_same_turn_writes_nothing_more(self, desk: Desk) -> None:
        context = context_of(await desk.turn("log my mood as 4"), desk.services, Silent("en"), None)
        first = orjson.loads(await ALL_TOOLS.call("log_mood", {"score": 4}, context))
        second = orjson.loads(await ALL_TOOLS.call("log_mood", {"score": 4, "emotions": ["tired"]}, context))
        assert second["data"] == first["data"]
        assert len(await moods(desk, desk.maya)) == 1

    async def test_a_failed_write_leaves_no_claim(self, desk: Desk) -> None:
        context = context_of(await desk.turn("add a task"), desk.services, Silent("en"), None)
        refused = orjson.loads(await ALL_TOOLS.call("create_task", {"title": "Essay", "due": "someday"}, context))
        assert refused["retry"] is False
        await ALL_TOOLS.call("create_task", {"title": "Essay", "due": "friday"}, context)
        assert [task.title for task in await tasks(desk, desk.maya)] == ["Essay"]

    @pytest.mark.parametrize(
        ("tool", "arguments"),
        [
            ("log_mood", {"score": 11}),
            ("log_mood", {"score": "four"}),
            ("log_mood", {}),
            ("create_task", {"title": ""}),
            ("complete_task", {"task_id": "not-an-id"}),
            ("mood_history", {"days": -1}),
            ("list_tasks", {"student_id": "b5f0c1de-0000-0000-0000-000000000000"}),
        ],
    )
    async def test_arguments_that_do_not_fit_are_named_and_may_be_mended(
        self, desk: Desk, tool: str, arguments: dict[str, Any]
    ) -> None:
        context = context_of(await desk.turn("hello"), desk.services, Silent("en"), None)
        answer = orjson.loads(await ALL_TOOLS.call(tool, arguments, context))
        assert answer["retry"] is True
        assert "data" not in answer

    async def test_no_tool_takes_an_identity(self) -> None:
        for tool in ALL_TOOLS.tools.values():
            named = set(tool.arguments.model_fields)
            assert not named & {"student", "student_id", "account", "account_id", "institution_id", "turn_id", "user"}

    async def test_a_task_of_another_student_is_not_found(self, desk: Desk) -> None:
        async with desk.db.acting(desk.jonas) as tx:
            theirs = await create_task(tx, await student_key(tx), title="Private")
        context = context_of(await desk.turn("done"), desk.services, Silent("en"), None)
        answer = orjson.loads(await ALL_TOOLS.call("complete_task", {"task_id": str(theirs.id)}, context))
        assert answer["retry"] is False
        assert [task.completed_at for task in await tasks(desk, desk.jonas)] == [None]

    async def test_everything_read_is_the_acting_students_own(self, desk: Desk) -> None:
        async with desk.db.acting(desk.jonas) as tx:
            await create_task(tx, await student_key(tx), title="Private")
        turn = await desk.turn("hello")
        context = context_of(turn, desk.services, Silent("en"), None)
        for tool, arguments in (("list_tasks", {}), ("whats_due", {"days": 60}), ("mood_history", {})):
            assert "Private" not in await ALL_TOOLS.call(tool, arguments, context)
        assert desk.jonas.student_id != StudentId(turn.student_id)
