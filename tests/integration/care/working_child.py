"""A worker as a process of its own, for tests that kill it: `python -m tests.integration.care.working_child`."""

from __future__ import annotations

import asyncio
import sys

from conversations.ticks import add_ticks
from core.logs import configure_logging
from core.settings import load_settings
from tools.care.working import work

if __name__ == "__main__":
    configure_logging("WARNING")
    asyncio.run(work(load_settings(), add_ticks))
    sys.exit(0)
