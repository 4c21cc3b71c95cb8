"""The agents' tools over moods and logs: data with its as-of time, one write a turn, nothing that the student has to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from agents.memory import recall
from agents.services import TurnContext, context_of
from agents.state import PastMessage
from agents.toolbox import ALL_TOOLS
from tests.integration.graph_desk import Desk, Silent
from tests.integration.graph_fixtures import desk, library, reader
from tools.people.companion import CompanionSettings, save_settings
from tools.people.keys import student_key
from tools.wellness.instruments.answers import read_answers
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import save_entry
from tools.wellness.instruments.scoring import score
from tools.wellness.mood import log_mood

__all__ = ["desk", "library", "reader"]


async def context(desk: Desk) -> TurnContext:  # pytest's way
    turn = await desk.turn("how have i been sleeping")
    desk.history.append(PastMessage("student", turn.text, turn.received_at))  # The next turn takes the next number.
    return context_of(turn, desk.services, Silent("en"), None)


async def call(given: TurnContext, tool: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(await ALL_TOOLS.call(tool, arguments, given))
    return answer


async def test_an_entry_is_written_once_a_turn_and_read_back_with_its_time(desk: Desk) -> None:
    given = await context(desk)
    first = await call(given, "log_entry", log="sleep", values={"hours": 6.5, "quality": 3})
    again = await call(given, "log_entry", log="sleep", values={"hours": 9})
    assert first["data"] == again["data"] and first["as_of"]
    found = await call(given, "log_summary", log="sleep")
    assert found["as_of"] and found["data"]["summary"]["n"] == 1
    logs = (await call(given, "list_logs"))["data"]["logs"]
    assert next(entry for entry in logs if entry["log"] == "sleep")["last_day"]


@pytest.mark.parametrize("name", ["phq9", "gad7", "who5", "dbt_diary", "episodes"])
async def test_no_agent_fills_in_what_the_student_has_to(desk: Desk, name: str) -> None:
    item = definition(name).items[0]
    refused = await call(await context(desk), "log_entry", log=name, values={item.id: item.options[0].value})
    assert "Only the student" in refused["error"] and not refused["retry"]


async def test_a_summary_holds_no_words_of_the_student(desk: Desk) -> None:
    made, now = definition("phq9"), desk.services.clock.now()
    async with desk.db.acting(desk.maya) as tx:
        key = await student_key(tx)
        answers = read_answers(made, {item.id: 1 for item in made.items})
        await save_entry(tx, key, made, answers, score(made, answers), day=now.date(), at=now)
        note = {"what": ["headache"], "around": "zyzzyva"}
        symptoms = definition("symptoms")
        await save_entry(tx, key, symptoms, read_answers(symptoms, note), None, day=now.date(), at=now)
    given = await context(desk)
    assert (await call(given, "log_summary", log="phq9"))["data"]["totals"][0]["total"] == 9
    assert "zyzzyva" not in str(await call(given, "log_summary", log="symptoms"))


async def test_patterns_say_how_sure_they_are(desk: Desk) -> None:
    async with desk.db.acting(desk.maya) as tx:
        key, now = await student_key(tx), desk.services.clock.now()
        for day in range(10):
            await log_mood(tx, key, score=9 - day // 2, note="zyzzyva", at=now - timedelta(days=9 - day))
    found = await call(await context(desk), "mood_patterns", days=30)
    trend = found["data"]["trend"]
    assert trend["standing"] == "clear" and trend["direction"] == "down" and trend["n"] == 10
    assert trend["low"] <= trend["per_week"] <= trend["high"] and "zyzzyva" not in str(found)


async def test_a_reminder_is_set_and_ended(desk: Desk) -> None:
    assert (await call(await context(desk), "set_reminder", log="mood", hour=12))["data"]["reminder"]["hour"] == 12
    assert (await call(await context(desk), "set_reminder", log="mood"))["data"]["reminder"] is None
    assert "quiet hours" in (await call(await context(desk), "set_reminder", log="mood", hour=3))["error"]


@pytest.mark.usefixtures("library")
async def test_an_approach_that_the_student_left_out_is_not_offered(desk: Desk) -> None:
    asked = {"query": "how do i breathe slowly when my heart is racing", "steps": False}
    before = (await call(await context(desk), "find_content", **asked))["data"]["passages"]
    async with desk.db.acting(desk.maya) as tx:
        chosen = CompanionSettings(approaches=(), tone="plain")
        await save_settings(tx, await student_key(tx), chosen, at=desk.services.clock.now())
        cursor = await tx.conn.execute("select title from knowledge_documents where approach = any(%s)", (
            sorted(chosen.left_out),))  # fmt: skip
        left_out = {title for (title,) in await cursor.fetchall()}
    given = await context(desk)
    after = (await call(given, "find_content", **asked))["data"]["passages"]
    assert {passage["title"] for passage in before} & left_out
    assert not {passage["title"] for passage in after} & left_out
    assert "Matter-of-fact" in (await recall(given)).chosen.said


async def test_nobody_elses_logs_are_read(desk: Desk) -> None:
    made, now = definition("sleep"), desk.services.clock.now()
    async with desk.db.acting(desk.jonas) as tx:
        await save_entry(tx, await student_key(tx), made, {"hours": 3}, None, day=now.date(), at=now)
    given = await context(desk)
    assert (await call(given, "log_summary", log="sleep"))["data"]["summary"]["n"] == 0
    assert all(entry["last_day"] is None for entry in (await call(given, "list_logs"))["data"]["logs"])
