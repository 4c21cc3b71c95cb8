"""The nodes of the graph that reach no model: recall, route, review."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.dialogue.understand import Reading
from agents.memory import Recalled, recall
from agents.router import Routing, route
from agents.services import TurnContext
from agents.turn import TurnState

LATELY = 3
"""Messages of the student that still say whether they are in pain."""


async def recall_facts(state: TurnState, runtime: Runtime[TurnContext]) -> dict[str, Recalled]:
    """What the student's own data says now."""
    return {"recalled": await recall(runtime.context)}


async def choose_route(state: TurnState, runtime: Runtime[TurnContext]) -> dict[str, Reading | Routing]:
    """Read the message once, for the router and the responder."""
    turn, reader = state["turn"], runtime.context.services.reader
    reading = reader.read(turn.text, runtime.context.vector)
    lately = [message.text for message in turn.history if message.author == "student"][-LATELY:]
    pained = any(reader.recall(text).trouble for text in lately)
    return {"reading": reading, "routing": route(reading, turn.mode, lately_pained=pained)}


def speaker_of(state: TurnState) -> str:
    """Name of the node that answers."""
    return state["routing"].route.value


async def review(state: TurnState, runtime: Runtime[TurnContext]) -> None:
    """The draft has ended: every sentence left through the gate; what never ended is reviewed now."""
    runtime.context.gate.close()
