"""Chooses who answers: support, coach or small talk. Unsure means asking, and a person in pain is never coached."""

from __future__ import annotations

from dataclasses import dataclass

from agents.dialogue.intents import Route
from agents.dialogue.understand import Reading
from safety.types import Mode

__all__ = ["Route", "Routing", "route"]

PAIN_THAT_ROUTES = 2
"""From a plainly named feeling on, support answers, whatever else the message asks for."""
COMMANDS = frozenset(
    {"list_tasks", "create_task", "complete_task", "whats_due", "mood_history", "log_mood", "safety_plan", "lines"}
)
"""Requests that a tool fulfils; they are done on either path."""


NOT_SUPPORTS = frozenset({"about_companion", "medical", "legal"})
"""Questions that small talk answers with who would know, whatever feeling they carry."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The route of one turn and why."""

    route: Route
    sure: bool
    reason: str
    """`intent`, `pain`, `guarded` or `unsure`."""


def route(reading: Reading, mode: Mode, *, lately_pained: bool = False) -> Routing:
    """Decide from what was understood.

    Pain beats work. In a guarded conversation, and while the student was in pain a moment ago, only what is plainly
    asked leaves support. What is unsure goes to support, which asks.
    """
    if reading.pain >= PAIN_THAT_ROUTES and not (reading.explicit and reading.intent in NOT_SUPPORTS):
        return Routing(Route.SUPPORT, True, "pain")
    if mode is Mode.GUARDED and reading.intent not in COMMANDS:
        return Routing(Route.SUPPORT, True, "guarded")
    if lately_pained and not reading.explicit and reading.route is Route.SMALL_TALK:
        return Routing(Route.SUPPORT, reading.sure, "pain")
    if not reading.sure and reading.work == 0:
        return Routing(Route.SUPPORT, False, "unsure")
    return Routing(reading.route, reading.sure, "intent")
