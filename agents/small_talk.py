"""Answers greetings, thanks, questions about the companion, and what lies outside its field."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.academic_tools import WHATS_DUE
from agents.answer import answer
from agents.services import TurnContext
from agents.state import TurnOutcome
from agents.toolbox import FIND_CONTENT, LINES, MOOD_HISTORY
from agents.toolkit import Toolbox
from agents.turn import ModelTurn

TOOLS = Toolbox.of(LINES, MOOD_HISTORY, WHATS_DUE, FIND_CONTENT)


async def small_talk(state: ModelTurn, runtime: Runtime[TurnContext]) -> dict[str, TurnOutcome]:
    """Node of the graph."""
    return {"outcome": await answer(state, runtime.context, "small_talk", TOOLS)}
