"""Answers what hurts: hears, offers, shows a skill with its source."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.academic_tools import WHATS_DUE
from agents.answer import answer
from agents.services import TurnContext
from agents.state import TurnOutcome
from agents.toolbox import CREATE_TASK, FIND_CONTENT, LINES, LIST_TASKS, LOG_MOOD, MOOD_HISTORY, SAFETY_PLAN
from agents.toolkit import Toolbox
from agents.turn import ModelTurn
from agents.wellness_tools import LIST_LOGS, LOG_ENTRY, LOG_SUMMARY, MOOD_PATTERNS, SET_REMINDER

TOOLS = Toolbox.of(
    LOG_MOOD, MOOD_HISTORY, MOOD_PATTERNS, LIST_LOGS, LOG_ENTRY, LOG_SUMMARY, SET_REMINDER, FIND_CONTENT, LINES,
    SAFETY_PLAN, LIST_TASKS, WHATS_DUE, CREATE_TASK,
)  # fmt: skip


async def support(state: ModelTurn, runtime: Runtime[TurnContext]) -> dict[str, TurnOutcome]:
    """Node of the graph."""
    return {"outcome": await answer(state, runtime.context, "support", TOOLS)}
