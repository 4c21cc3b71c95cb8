"""What Canvas work needs, opened once a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from core.clock import Clock
from db.access import Acting, Database
from tools.academic.canvas.client import CanvasClient
from tools.academic.canvas.config import CanvasConfig
from tools.academic.canvas.governor import Governor, Pause
from tools.academic.canvas.oauth import OAuth
from tools.academic.canvas.tokens import StoredAccess


@dataclass(frozen=True, slots=True)
class CanvasDesk:
    """One campus's Canvas, ready to be asked."""

    config: CanvasConfig
    db: Database
    clock: Clock
    http: httpx.AsyncClient
    governor: Governor
    oauth: OAuth

    def access(self, who: Acting) -> StoredAccess:
        """A student's token."""
        return StoredAccess(self.db, self.oauth, self.clock, who)

    def client(self, who: Acting) -> CanvasClient:
        """Canvas as a student sees it."""
        return CanvasClient(self.config, self.http, self.governor, self.access(who))


@asynccontextmanager
async def open_canvas(
    config: CanvasConfig, db: Database, clock: Clock, pause: Pause = asyncio.sleep
) -> AsyncIterator[CanvasDesk]:
    """Open a client of its own: it follows no redirects and sends its tokens nowhere else."""
    limits = httpx.Limits(max_connections=config.requests_at_once + 4)
    async with httpx.AsyncClient(follow_redirects=False, limits=limits, trust_env=False) as http:
        yield canvas_over(config, db, clock, http, pause)


def canvas_over(
    config: CanvasConfig, db: Database, clock: Clock, http: httpx.AsyncClient, pause: Pause = asyncio.sleep
) -> CanvasDesk:
    """A desk over an HTTP client that somebody else opens and closes."""
    governor = Governor(config, clock, pause)
    return CanvasDesk(config, db, clock, http, governor, OAuth(config, http, governor, clock))
