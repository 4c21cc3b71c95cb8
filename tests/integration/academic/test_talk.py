"""The companion without a language model answers from Canvas: courses, what is missing, what is due, and how old that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.dialogue.phrases import Phrasebook
from agents.dialogue.responder import Responder
from agents.dialogue.understand import Reader
from agents.services import TurnServices
from agents.state import ReviewedSentence, ToolActivity
from core.ids import ConversationId, new_id
from embedding.onnx import OnnxEmbedder
from tests.integration.canvas.conftest import Bench
from tests.integration.graph_desk import Desk

AGE = "From Canvas, as of today at 12:00."


@pytest.fixture
async def talk(connected: Bench, encoder: OnnxEmbedder) -> Desk:
    """Maya, whose Canvas is synced, at a desk."""
    people, reader = connected.people, Reader.load(encoder)
    conversation = ConversationId(new_id())
    async with connected.people_db.acting(people.maya) as tx:
        await tx.conn.execute(
            "insert into conversations (id, institution_id, student_id) values (%s, %s, %s)",
            (conversation, people.maya.institution_id, people.maya.student_id),
        )
    responder = Responder(reader, Phrasebook.load())
    services = TurnServices(connected.people_db, encoder, connected.clock, reader, responder)
    return Desk(connected.people_db, people.maya, people.jonas, conversation, services)


async def answer(desk: Desk, text: str) -> tuple[list[str], str]:
    """The tools that were used, and what was said."""
    events = await desk.say(text)
    tools = [event.tool for event in events if isinstance(event, ToolActivity)]
    return tools, "\n".join(event.text for event in events if isinstance(event, ReviewedSentence))


async def test_grades_missing_work_and_what_is_due(talk: Desk) -> None:
    tools, said = await answer(talk, "how are my grades")
    assert tools == ["grades"]
    assert "Organic Chemistry I: " in said
    assert "Not released yet: Problem set 2." in said
    assert AGE in said
    tools, said = await answer(talk, "do i have missing assignments")
    assert tools == ["missing_work"]
    assert "Lab report 2" in said
    assert AGE in said
    tools, said = await answer(talk, "what's due this week?")
    assert tools == ["whats_due"]
    assert "Problem set 3 (Organic Chemistry I), Tuesday at 23:59" in said
    assert "UTC" not in said


async def test_without_canvas_it_does_not_guess(talk: Desk, connected: Bench) -> None:
    jonas = replace(talk, maya=connected.people.jonas, conversation=ConversationId(new_id()), history=[])
    async with connected.people_db.acting(connected.people.jonas) as tx:
        await tx.conn.execute(
            "insert into conversations (id, institution_id, student_id) values (%s, %s, %s)",
            (jonas.conversation, connected.people.jonas.institution_id, connected.people.jonas.student_id),
        )
    tools, said = await answer(jonas, "how are my grades")
    assert tools == ["grades"]
    assert "Canvas isn't connected" in said
    assert "Organic" not in said
    assert "%" not in said
