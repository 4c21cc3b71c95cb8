"""Helps with work: what is due, planning, starting, keeping the list."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.academic_tools import GRADES, MISSING_WORK, STUDY_PLAN, WHAT_FIRST, WHATS_DUE, WORKLOAD
from agents.answer import answer
from agents.services import TurnContext
from agents.state import TurnOutcome
from agents.toolbox import COMPLETE_TASK, CREATE_TASK, FIND_CONTENT, LINES, LIST_TASKS, LOG_MOOD, MOOD_HISTORY
from agents.toolkit import Toolbox
from agents.turn import ModelTurn

TOOLS = Toolbox.of(
    LIST_TASKS, CREATE_TASK, COMPLETE_TASK, WHATS_DUE, GRADES, MISSING_WORK, WHAT_FIRST, WORKLOAD, STUDY_PLAN,
    FIND_CONTENT, LOG_MOOD, MOOD_HISTORY, LINES,
)  # fmt: skip


async def coach(state: ModelTurn, runtime: Runtime[TurnContext]) -> dict[str, TurnOutcome]:
    """Node of the graph."""
    return {"outcome": await answer(state, runtime.context, "coach", TOOLS)}
