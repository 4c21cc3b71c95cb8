"""The state of the graph, and what a model node takes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from agents.dialogue.understand import Reading
from agents.memory import Recalled
from agents.router import Routing
from agents.state import ScreenedTurn, TurnOutcome, require_screened


class TurnInput(TypedDict):
    """All that enters the graph."""

    turn: ScreenedTurn


class TurnState(TurnInput, total=False):
    """What the nodes add."""

    recalled: Recalled
    reading: Reading
    routing: Routing
    outcome: TurnOutcome


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """The input of every node that may speak to a model.

    LangGraph builds it from the state before the node runs; without a `ScreenedTurn` that fails with `TypeError`.
    """

    turn: ScreenedTurn
    recalled: Recalled
    reading: Reading
    routing: Routing

    def __post_init__(self) -> None:
        require_screened(self.turn)
