"""No road to a model but through a `ScreenedTurn`: by type, over the compiled graph, and at run time."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from agents.dialogue.intents import Route
from agents.dialogue.understand import Reading
from agents.gate import Gate
from agents.graph import MODEL_NODES, turn_graph
from agents.run import stream_turn
from agents.services import TurnContext, TurnServices
from agents.state import PastMessage, ScreenedTurn
from agents.turn import ModelTurn
from core.errors import Unavailable
from core.ids import ConversationId, InstitutionId, StudentId, TurnId, new_id
from db.access import Acting
from safety.disclosure import law_for
from safety.types import Category, Mode, Screening, Severity

CLEAR = Screening(False, False, Category.NONE, Severity.NONE, 0.0, (), "test")


def screened(**changes: Any) -> ScreenedTurn:
    turn = ScreenedTurn(
        TurnId(new_id()),
        ConversationId(new_id()),
        StudentId(new_id()),
        InstitutionId(new_id()),
        "hello",
        CLEAR,
        Mode.ORDINARY,
        "Maya",
        "en",
        "UTC",
        "US",
        datetime.now(UTC),
        1,
    )
    return replace(turn, **changes)


@pytest.mark.parametrize(
    "screening",
    [
        replace(CLEAR, crisis=True, severity=Severity.HIGH),
        replace(CLEAR, clarify=True),
        replace(CLEAR, degraded=("classifier",)),
    ],
)
def test_what_was_not_screened_clear_cannot_become_a_turn(screening: Screening) -> None:
    with pytest.raises(ValueError, match="screened clear"):
        screened(screening=screening)


@pytest.mark.parametrize("mode", [Mode.TRIAGE, Mode.LIVE_PERSON])
def test_a_conversation_of_the_script_or_a_person_cannot_become_a_turn(mode: Mode) -> None:
    with pytest.raises(ValueError, match="has this conversation"):
        screened(mode=mode)


def test_every_model_node_takes_a_model_turn_and_nothing_else() -> None:
    built = turn_graph().builder.nodes
    assert set(MODEL_NODES) == set(built) - {"recall", "route", "review"}
    for name, node in MODEL_NODES.items():
        assert built[name].input_schema is ModelTurn
        assert get_type_hints(node)["state"] is ModelTurn
    assert get_type_hints(ModelTurn)["turn"] is ScreenedTurn


def test_the_other_nodes_reach_no_model() -> None:
    """Their module names neither a model nor the tool loop."""
    from agents import nodes  # noqa: PLC0415

    source = inspect.getsource(nodes)
    assert not [
        word for word in ("agents.models", "agents.loop", "agents.answer", ".model", "converse") if word in source
    ]


def test_every_path_ends_in_review() -> None:
    drawn = turn_graph().get_graph()
    into_end = {edge.source for edge in drawn.edges if edge.target == "__end__"}
    assert into_end == {"review"}
    assert {edge.target for edge in drawn.edges if edge.source in MODEL_NODES} == {"review"}


def test_the_graph_keeps_nothing_of_its_own() -> None:
    assert turn_graph().checkpointer is None
    assert turn_graph().store is None


@pytest.mark.parametrize("impostor", ["hello", {"text": "hello"}, None, object()])
async def test_a_model_node_refuses_what_is_not_a_screened_turn(impostor: Any) -> None:
    with pytest.raises(TypeError):
        ModelTurn(impostor, None, None, None)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    "impostor", ["hello", {"text": "hello"}, None, PastMessage("student", "hi", datetime.now(UTC))]
)
async def test_the_runner_refuses_it_before_any_node(impostor: Any) -> None:
    with pytest.raises(TypeError):
        await anext(stream_turn(impostor, None))  # type: ignore[arg-type]  # that is the point


class Unreachable:
    """A database that is down, a clock, and a model that must not be reached."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.name = "reached"

    def acting(self, who: object) -> Any:
        raise Unavailable

    def now(self) -> datetime:
        return datetime.now(UTC)

    def stream(self, *_: object) -> Any:
        self.reached.append("model")
        raise AssertionError("A model was reached.")


@dataclass
class Forged:
    """Has all that a screened turn has, and is none: what a mistake could put into the graph."""

    text: str = "i want to die"
    screening: Screening = field(default_factory=lambda: replace(CLEAR, crisis=True))
    mode: Mode = Mode.ORDINARY
    history: tuple[PastMessage, ...] = ()


@dataclass
class Decided:
    """A reader that sends everything one way."""

    route: Route

    def read(self, text: str, vector: object) -> Reading:
        return Reading(text, "greeting", True, True, False, self.route, (), 0, (), True, ())


@pytest.mark.parametrize("way", list(Route))
async def test_a_forged_turn_inside_the_graph_reaches_no_model(way: Route) -> None:
    down: Any = Unreachable()
    reader: Any = Decided(way)
    services = TurnServices(down, down, down, reader, down, down)
    who = Acting.student(InstitutionId(new_id()), StudentId(new_id()))
    gate = Gate(print, "en")
    context = TurnContext(services, who, TurnId(new_id()), ZoneInfo("UTC"), None, law_for(), "en", "", None, gate)
    forged: Any = {"turn": Forged()}
    with pytest.raises(TypeError, match="Only a screened turn"):
        await turn_graph().ainvoke(forged, context=context)
    assert down.reached == []
    assert gate.said == []
