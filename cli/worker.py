"""`companion worker`: deliveries, the clock of open conversations, the synthetic crisis, Canvas and every other job."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from agents.opinion import open_opinion
from conversations.caring import add_caring
from conversations.reactions import add_reactions
from conversations.replaying import keep_replaying
from conversations.second_look import add_second_look
from conversations.second_opinion import add_second_opinion
from conversations.ticks import add_ticks
from core.logs import configure_logging
from core.settings import Settings
from safety.resources import RULES
from tools.academic.canvas.config import CanvasConfig
from tools.academic.canvas.schedule import add_canvas
from tools.care import working
from tools.care.probe import add_probe
from tools.care.writing import add_writing
from tools.events.reminders import add_reminders
from tools.events.sweeps import add_sweeps


def work(settings: Settings) -> None:
    """Work until stopped; jobs in hand are finished or taken over by another worker."""
    settings.require_secrets("spool_private_key")
    # What is half configured stops the worker here, not each job later.
    CanvasConfig.of(settings)
    open_opinion(settings)
    configure_logging(settings.log_level)
    RULES.set(settings.unchecked_lines, datetime.now(UTC).date())
    jobs = (add_ticks, add_caring, add_writing, add_second_look, add_second_opinion, add_probe, add_canvas)
    events = (add_reactions, add_reminders, add_sweeps)
    asyncio.run(working.work(settings, *jobs, *events, beside=[keep_replaying]))
