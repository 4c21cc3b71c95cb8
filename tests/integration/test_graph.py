"""One screened turn through the real graph: real database, real encoder, real articles, the embedded responder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.services import open_services
from agents.state import CitedPassage, ReviewedSentence, ToolActivity, TurnEvent, TurnOutcome
from cli.stack import ingest_articles
from core.clock import SystemClock
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.access import Database
from embedding.onnx import OnnxEmbedder
from tests.conftest import People
from tests.integration.graph_desk import Desk
from tools.academic.tasks import list_tasks
from tools.people.keys import student_key
from tools.wellness.mood import mood_history


@pytest.fixture
async def desk(settings: Settings, database: Database, people: People, encoder: OnnxEmbedder) -> Desk:
    """Maya at a desk with articles in the library."""
    await ingest_articles(settings)
    conversation = ConversationId(new_id())
    async with database.acting(people.maya) as tx:
        await tx.conn.execute(
            "insert into conversations (id, institution_id, student_id) values (%s, %s, %s)",
            (conversation, people.maya.institution_id, people.maya.student_id),
        )
    return Desk(database, people.maya, conversation, open_services(database, encoder, SystemClock(), settings))


def sentences(events: list[TurnEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, ReviewedSentence)]


async def test_logs_a_mood_and_says_what_it_logged(desk: Desk) -> None:
    events = await desk.say("log my mood as 4, anxious and tired")
    assert [event.tool for event in events if isinstance(event, ToolActivity)] == ["log_mood"]
    assert any("4" in sentence for sentence in sentences(events))
    async with desk.db.acting(desk.maya) as tx:
        entries = await mood_history(tx, await student_key(tx), since=datetime.now(UTC) - timedelta(days=1))
    assert [(entry.score, set(entry.emotions)) for entry in entries] == [(4, {"anxious", "tired"})]


async def test_the_outcome_comes_last_and_once(desk: Desk) -> None:
    events = await desk.say("hi")
    assert [isinstance(event, TurnOutcome) for event in events] == [False] * (len(events) - 1) + [True]
    assert isinstance(events[-1], TurnOutcome)
    assert events[-1].model == "embedded"


async def test_shows_one_skill_with_its_citation(desk: Desk) -> None:
    events = await desk.say("can we do a breathing exercise")
    cited = [event for event in events if isinstance(event, CitedPassage)]
    assert [passage.anchor.partition("#")[0] for passage in cited] == ["paced-breathing"]
    assert cited[0].draft
    assert any(sentence.startswith("1. ") for sentence in sentences(events))
    assert not any("[1]" in sentence for sentence in sentences(events))


async def test_a_task_is_stored_in_the_students_own_time(desk: Desk) -> None:
    await desk.say("add history essay to my list, due friday 5pm")
    async with desk.db.acting(desk.maya) as tx:
        tasks = await list_tasks(tx, await student_key(tx))
    assert [task.title for task in tasks] == ["History essay"]
    assert tasks[0].due_at is not None
    local = tasks[0].due_at.astimezone(desk.zone)
    assert (local.strftime("%A"), local.hour) == ("Friday", 17)
