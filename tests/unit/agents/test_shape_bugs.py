"""The tests of the road to a model, tested: each way around it must make a test fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph

from agents import run, state, turn
from agents.dialogue.intents import Route
from agents.graph import MODEL_NODES, turn_graph
from agents.models import LanguageModel
from agents.nodes import choose_route, recall_facts, review, speaker_of
from agents.services import TurnContext
from agents.state import ScreenedTurn
from agents.turn import ModelTurn, TurnInput, TurnState
from safety.types import Mode
from tests.unit import test_house
from tests.unit.agents import test_graph_shape as shape

Patch = pytest.MonkeyPatch


def graph(patch: Patch, *, typed: bool = True, reviewed: bool = True, extra: bool = False) -> None:
    """Put a graph in the place of ours that differs in one thing."""
    made: Any = StateGraph(TurnState, context_schema=TurnContext, input_schema=TurnInput)
    made.add_node("recall", recall_facts)
    made.add_node("route", choose_route)
    for name, node in MODEL_NODES.items():
        made.add_node(name, node, input_schema=ModelTurn if typed else TurnState)
        made.add_edge(name, "review" if reviewed else END)
    if extra:
        made.add_node("shortcut", recall_facts)
    made.add_node("review", review)
    made.add_edge(START, "recall")
    made.add_edge("recall", "route")
    made.add_conditional_edges("route", speaker_of, list(MODEL_NODES))
    made.add_edge("review", END)
    compiled = made.compile()
    patch.setattr(shape, "turn_graph", lambda: compiled)


def test_a_graph_built_alike_passes(monkeypatch: Patch) -> None:
    graph(monkeypatch)
    shape.test_every_model_node_takes_a_model_turn_and_nothing_else()
    shape.test_every_path_ends_in_review()
    assert turn_graph() is not shape.turn_graph()


@pytest.mark.parametrize("bug", [{"typed": False}, {"extra": True}])
def test_a_node_that_takes_anything_is_noticed(bug: dict[str, bool], monkeypatch: Patch) -> None:
    graph(monkeypatch, **bug)
    with pytest.raises(AssertionError):
        shape.test_every_model_node_takes_a_model_turn_and_nothing_else()


def test_a_path_around_the_review_is_noticed(monkeypatch: Patch) -> None:
    graph(monkeypatch, reviewed=False)
    with pytest.raises(AssertionError):
        shape.test_every_path_ends_in_review()


async def test_a_graph_without_the_type_lets_a_forged_turn_through_and_that_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(ModelTurn, "__post_init__", lambda self: None)
    with pytest.raises((AssertionError, AttributeError, pytest.fail.Exception)):
        await shape.test_a_forged_turn_inside_the_graph_reaches_no_model(Route.SUPPORT)


async def test_a_runner_that_takes_anything_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(run, "require_screened", lambda given: given)
    with pytest.raises((AssertionError, AttributeError)):
        await shape.test_the_runner_refuses_it_before_any_node("hello")


def test_a_turn_that_checks_nothing_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(ScreenedTurn, "__post_init__", lambda self: None)
    with pytest.raises(pytest.fail.Exception):
        shape.test_a_conversation_of_the_script_or_a_person_cannot_become_a_turn(Mode.TRIAGE)


async def test_a_model_refuses_what_is_no_screened_turn() -> None:
    """The last door, by itself: the model's own, whoever found a way to it."""
    model = LanguageModel(chat=shape.Unreachable(), name="m", timeout_seconds=1)  # type: ignore[arg-type]  # never reached
    forged: Any = shape.Forged()
    for impostor in ("hello", None, forged):
        with pytest.raises(TypeError, match="Only a screened turn"):
            await anext(model.stream(impostor, [], []))  # type: ignore[arg-type]  # that is the point


def test_a_turn_that_was_tampered_with_is_refused() -> None:
    made = shape.screened()
    object.__setattr__(made, "screening", shape.Forged().screening)
    with pytest.raises(TypeError):
        state.require_screened(made)
    with pytest.raises(TypeError):
        turn.ModelTurn(made, None, None, None)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("ScreenedTurn", test_house.test_only_admission_makes_a_screened_turn),
        ("admit", test_house.test_a_message_is_admitted_only_in_the_first_transaction_or_for_a_turn_taken_over),
        ("converse", test_house.test_a_model_is_reached_by_one_way_only),
        ("ChatOpenAI", test_house.test_a_model_is_reached_by_one_way_only),
    ],
)
def test_a_second_way_to_a_model_is_noticed(name: str, check: Callable[[], None], monkeypatch: Patch) -> None:
    whole = test_house.calls_of
    monkeypatch.setattr(
        test_house, "calls_of", lambda called: whole(called) | ({"api/shortcut.py"} if called == name else set())
    )
    with pytest.raises(AssertionError):
        check()
