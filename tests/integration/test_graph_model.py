"""The graph with a language model at an endpoint, and what a student sees when the model fails in each known way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from purgatory import AsyncCircuitBreakerFactory
from pydantic import SecretStr

from agents import answer as answering
from agents.models import LanguageModel, ModelFault
from agents.run import stream_turn
from agents.state import CitedPassage, ReviewedSentence, ToolActivity, TurnEvent, TurnOutcome
from core.settings import Settings
from simulators.run import Running, serve_in_process
from tests.integration.graph_desk import Desk, reply
from tests.integration.graph_fixtures import desk, library, reader
from tests.integration.test_graph import moods, sentences, tools_of
from tests.mutation import seed

__all__ = ["desk", "library", "reader"]

PAIN = "i failed the midterm. i'm so stupid"
TIMEOUT = 1.0


@pytest.fixture(scope="module")
def process() -> Iterator[Running]:
    with serve_in_process("simulators.llm") as running:
        yield running


@pytest.fixture
def llm(process: Running) -> Running:
    process.control.reset()
    return process


@pytest.fixture
def modelled(desk: Desk, llm: Running, settings: Settings) -> Desk:
    """Maya's desk with the simulated model behind it."""
    over = settings.model_copy(
        update={
            "model": "openai:simulated",
            "model_base_url": f"{llm.base_url}/v1",
            "model_api_key": SecretStr("unused"),
            "model_timeout_seconds": TIMEOUT,
        }
    )
    desk.services = replace(desk.services, model=LanguageModel.from_settings(over))
    return desk


def outcome(events: Sequence[TurnEvent]) -> TurnOutcome:
    last = events[-1]
    assert isinstance(last, TurnOutcome)
    return last


def calls(*named: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "arguments": arguments} for name, arguments in named]


async def test_the_model_answers_in_reviewed_sentences(modelled: Desk, llm: Running) -> None:
    llm.control.behave(rules=[{"text": "That grade is hard to look at. What happened when you saw it?"}])
    events = await modelled.say(PAIN)
    assert sentences(events) == ["That grade is hard to look at.", "What happened when you saw it?"]
    assert outcome(events).model == "openai:simulated"
    assert outcome(events).versions.keys() == {"prompt.voice", "prompt.support"}


async def test_the_model_uses_tools_as_the_student(modelled: Desk, llm: Running) -> None:
    llm.control.behave(
        rules=[
            {"after_tool": False, "calls": calls(("log_mood", {"score": 3}))},
            {"after_tool": True, "text": "A 3, and it is in the log."},
        ]
    )
    events = await modelled.say("i'm a 3 today")
    assert tools_of(events) == ["log_mood"]
    assert [entry.score for entry in await moods(modelled, modelled.maya)] == [3]
    assert await moods(modelled, modelled.jonas) == []


@pytest.mark.usefixtures("library")
async def test_a_marker_becomes_a_citation(modelled: Desk, llm: Running) -> None:
    llm.control.behave(
        rules=[
            {"after_tool": False, "calls": calls(("find_content", {"query": "paced breathing"}))},
            {"after_tool": True, "text": "Breathe out first, all the way [1]. How is that?"},
        ]
    )
    events = await modelled.say("what helps when i'm tense")
    assert reply(events) == "Breathe out first, all the way. How is that?"
    assert [event.anchor.partition("#")[0] for event in events if isinstance(event, CitedPassage)] == [
        "paced-breathing"
    ]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang"},
        {"kind": "server_error"},
        {"kind": "rate_limit"},
        {"kind": "wrong_content_type"},
        {"kind": "truncated_stream", "after_tokens": 1},
        {"kind": "disconnect", "after_tokens": 1},
        {"kind": "hang", "after_tokens": 1},
        {"kind": "empty_reply"},
        {"kind": "malformed_tool_json"},
        {"kind": "slow_tokens", "per_token_ms": 5000},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
async def test_the_embedded_responder_answers_the_turn_that_the_model_lost(
    modelled: Desk, llm: Running, fault: dict[str, Any]
) -> None:
    llm.control.set_faults(fault)
    events = await modelled.say(PAIN)
    assert outcome(events).model == "embedded"
    assert sentences(events)
    assert len(llm.control.requests()) == 1
    llm.control.set_faults()
    assert outcome(await modelled.say("and now?")).model == "openai:simulated"


async def test_tools_called_without_end_are_ended(modelled: Desk, llm: Running) -> None:
    llm.control.set_faults(*[{"kind": "endless_tool_loop"}] * 20)
    events = await modelled.say(PAIN)
    assert outcome(events).model == "embedded"
    assert sentences(events)
    assert len(llm.control.requests()) <= 6


async def test_what_was_shown_before_the_break_stays_and_the_break_is_said(modelled: Desk, llm: Running) -> None:
    llm.control.behave(rules=[{"text": "That grade is hard to look at. It sounds like it became a verdict on you."}])
    llm.control.set_faults({"kind": "disconnect", "after_tokens": 12})
    events = await modelled.say(PAIN)
    said = sentences(events)
    assert said[0] == "That grade is hard to look at."
    assert len(said) == 2
    assert "verdict" not in reply(events)
    assert outcome(events).model == "embedded"


async def test_a_mood_that_the_model_logged_before_it_failed_is_not_logged_again(modelled: Desk, llm: Running) -> None:
    llm.control.behave(rules=[{"after_tool": False, "calls": calls(("log_mood", {"score": 4, "emotions": ["tired"]}))}])
    llm.control.set_faults({"kind": "server_error", "target": "models"})
    first = await modelled.turn("log my mood as 4")
    llm.control.behave(
        rules=[
            {"after_tool": False, "calls": calls(("log_mood", {"score": 4, "emotions": ["tired"]}))},
            {"after_tool": True, "text": ""},
        ]
    )
    events = await modelled.answer(first)
    assert outcome(events).model == "embedded"
    assert [(entry.score, entry.emotions) for entry in await moods(modelled, modelled.maya)] == [(4, ("tired",))]


async def test_an_unsafe_sentence_is_never_shown(modelled: Desk, llm: Running) -> None:
    llm.control.set_faults({"kind": "unsafe_sentence"})
    events = await modelled.say(PAIN)
    assert "bipolar" not in reply(events).lower()
    assert "medication tonight" not in reply(events).lower()
    assert sentences(events)


async def test_a_tool_that_does_not_exist_or_arguments_that_do_not_fit_go_back_to_the_model(
    modelled: Desk, llm: Running
) -> None:
    llm.control.behave(
        rules=[
            {"tool_result": "There is no tool", "text": "I could not do that. What would you like instead?"},
            {"after_tool": False, "calls": calls(("drop_tables", {"all": True})), "even_if_not_offered": True},
        ]
    )
    events = await modelled.say(PAIN)
    assert outcome(events).model == "openai:simulated"
    assert not [event for event in events if isinstance(event, ToolActivity)]
    assert reply(events).startswith("I could not do that.")


async def test_a_dead_endpoint_is_spared_after_three_failures(modelled: Desk, llm: Running) -> None:
    llm.control.set_faults(*[{"kind": "server_error"}] * 10)
    for _ in range(5):
        assert outcome(await modelled.say(PAIN)).model == "embedded"
    assert len(llm.control.requests()) == 3


async def test_a_model_that_talks_nonsense_is_not_a_dead_endpoint(modelled: Desk, llm: Running) -> None:
    llm.control.set_faults(*[{"kind": "empty_reply"}] * 5)
    for _ in range(5):
        await modelled.say(PAIN)
    assert len(llm.control.requests()) == 5


async def test_a_refused_connection_costs_next_to_nothing(modelled: Desk, settings: Settings) -> None:
    over = settings.model_copy(update={"model": "openai:gone", "model_base_url": "http://127.0.0.1:9/v1"})
    modelled.services = replace(modelled.services, model=LanguageModel.from_settings(over))
    events = await modelled.say(PAIN)
    assert outcome(events).model == "embedded"


async def test_the_prompt_does_not_grow_with_the_conversation(modelled: Desk, llm: Running) -> None:
    for index in range(30):
        await modelled.say(f"the {index}th thing is that everything is due and i am tired of it all " * 3)
    sizes = [len(str(request["body"]["messages"])) for request in llm.control.requests()]
    assert max(sizes[20:]) <= max(sizes[8:20]) * 1.05


async def test_a_students_words_are_sent_to_nobody_but_the_model(
    modelled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracing asked for by the environment must not take place."""
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    traced: list[object] = []
    monkeypatch.setattr("langsmith.Client.create_run", lambda *args, **kwargs: traced.append(args))
    await modelled.say(PAIN)
    await asyncio.sleep(0)
    assert traced == []


async def test_sentences_leave_while_the_model_still_writes(modelled: Desk, llm: Running) -> None:
    llm.control.behave(rules=[{"text": "First one here. " + "And many words follow after it. " * 8}], per_token_ms=25)
    stream = stream_turn(await modelled.turn(PAIN), modelled.services)
    assert isinstance(await anext(stream), ReviewedSentence)
    (request,) = llm.control.requests()
    assert request["outcome"] != "completed"
    rest = [event async for event in stream]
    assert outcome(rest).model == "openai:simulated"


async def test_a_turn_that_is_lost_with_its_model_is_noticed(
    modelled: Desk, llm: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, answering.answer, "except ModelFault as fault:", "except KeyError as fault:")
    with pytest.raises(ModelFault):
        await test_the_embedded_responder_answers_the_turn_that_the_model_lost(modelled, llm, {"kind": "server_error"})


async def test_a_dead_endpoint_that_every_turn_waits_for_is_noticed(modelled: Desk, llm: Running) -> None:
    assert modelled.services.model is not None
    modelled.services.model._breakers = AsyncCircuitBreakerFactory(1000, 30.0)
    with pytest.raises(AssertionError):
        await test_a_dead_endpoint_is_spared_after_three_failures(modelled, llm)
