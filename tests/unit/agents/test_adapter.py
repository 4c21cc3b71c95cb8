"""The embedded responder as a chat model: tools, streaming, and an agent that is not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool

from agents.dialogue.adapter import DialogueModel
from agents.dialogue.phrases import Phrasebook
from agents.dialogue.responder import Responder
from agents.dialogue.situation import Situation
from agents.dialogue.understand import Reader
from agents.router import route
from embedding.onnx import OnnxEmbedder
from safety.types import Mode
from tests.unit.agents.students import NOW, ZONE


@pytest.fixture
def situation(reader: Reader, encoder: OnnxEmbedder) -> Situation:
    text = "log my mood as 4, i'm tired"
    reading = reader.read(text, encoder.encode([text])[0])
    routing = route(reading, Mode.ORDINARY)
    return Situation("seed", reading, routing.route, routing.sure, Mode.ORDINARY, "Maya", NOW, ZONE)


@pytest.fixture
def model(reader: Reader, situation: Situation) -> DialogueModel:
    return DialogueModel(responder=Responder(reader, Phrasebook.load()), situation=situation)


@tool
def log_mood(score: int, emotions: list[str]) -> dict[str, Any]:
    """Log a mood."""
    return {"data": {"logged": {"score": score, "at": NOW.isoformat()}, "earlier": None}}


def test_it_asks_for_its_tool(model: DialogueModel) -> None:
    reply = model.bind_tools([log_mood]).invoke([HumanMessage("log my mood as 4, i'm tired")])
    assert isinstance(reply, AIMessage)
    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [
        ("log_mood", {"score": 4, "emotions": ["tired"]})
    ]


async def test_it_streams_words_once_the_result_is_there(model: DialogueModel) -> None:
    asked = await model.ainvoke([HumanMessage("log my mood as 4")])
    result = ToolMessage(
        '{"data": {"logged": {"score": 4, "at": "2026-11-21T03:00:00+00:00"}, "earlier": null}}',
        tool_call_id="1",
        name="log_mood",
    )
    chunks = [chunk async for chunk in model.astream([HumanMessage("log my mood as 4"), asked, result])]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    assert len([chunk for chunk in chunks if chunk.text]) >= 2
    assert "4" in "".join(chunk.text for chunk in chunks)


async def test_an_agent_of_langchain_runs_it(model: DialogueModel) -> None:
    agent = create_agent(model, [log_mood])
    state = await agent.ainvoke({"messages": [HumanMessage("log my mood as 4, i'm tired")]})
    assert [type(message).__name__ for message in state["messages"]] == [
        "HumanMessage",
        "AIMessage",
        "ToolMessage",
        "AIMessage",
    ]
    assert "4" in state["messages"][-1].text


def test_its_representation_holds_no_words_of_the_student(model: DialogueModel) -> None:
    assert "tired" not in repr(model)
    assert "tired" not in str(model._serialized)


async def test_another_seed_may_choose_other_words_and_the_same_seed_never_does(model: DialogueModel) -> None:
    def said(seed: str) -> str:
        text = "i failed the midterm"
        reading = replace(model.situation.reading, text=text, intent="vent", explicit=False, feelings=())
        situation = replace(model.situation, seed=seed, reading=reading)
        return "".join(model.responder.step(situation, ()).pieces)

    assert said("a") == said("a")
    assert len({said(str(seed)) for seed in range(12)}) > 3
