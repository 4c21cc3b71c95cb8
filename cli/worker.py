"""`companion worker`: deliveries, the clock of open conversations, the synthetic crisis, Canvas and every other job."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from conversations.replaying import keep_replaying
from conversations.second_look import add_second_look
from conversations.ticks import add_ticks
from core.logs import configure_logging
from core.settings import Settings
from safety.resources import RULES
from tools.academic.canvas.config import CanvasConfig
from tools.academic.canvas.schedule import add_canvas
from tools.care import working
from tools.care.probe import add_probe


def work(settings: Settings) -> None:
    """Work until stopped; jobs in hand are finished or taken over by another worker."""
    settings.require_secrets("spool_private_key")
    CanvasConfig.of(settings)  # Half of one stops the worker here, not each job later.
    configure_logging(settings.log_level)
    RULES.set(settings.unchecked_lines, datetime.now(UTC).date())
    jobs = (add_ticks, add_second_look, add_probe, add_canvas)
    asyncio.run(working.work(settings, *jobs, beside=[keep_replaying]))
