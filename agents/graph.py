"""The graph of a turn: recall, route, one of three speakers, review.

Compiled without a checkpointer: what must last are rows of our own, encrypted and under row-level security.
"""

from __future__ import annotations

from functools import cache

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.coach import coach
from agents.nodes import choose_route, recall_facts, review, speaker_of
from agents.services import TurnContext
from agents.small_talk import small_talk
from agents.support import support
from agents.turn import ModelTurn, TurnInput, TurnState

MODEL_NODES = {"support": support, "coach": coach, "small_talk": small_talk}
"""The only nodes that may reach a model; each takes a `ModelTurn`."""

TurnGraph = CompiledStateGraph[TurnState, TurnContext, TurnInput, TurnState]


@cache
def turn_graph() -> TurnGraph:
    """Assemble and compile the graph, once per process."""
    graph = StateGraph(TurnState, context_schema=TurnContext, input_schema=TurnInput)
    graph.add_node("recall", recall_facts)
    graph.add_node("route", choose_route)
    for name, node in MODEL_NODES.items():
        graph.add_node(name, node, input_schema=ModelTurn)
        graph.add_edge(name, "review")
    graph.add_node("review", review)
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "route")
    graph.add_conditional_edges("route", speaker_of, list(MODEL_NODES))
    graph.add_edge("review", END)
    return graph.compile()
