"""Sends the anonymous counters away, apart from every turn: a dead endpoint costs a line in the log."""

from __future__ import annotations

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.logs import get_logger

log = get_logger("api.telemetry")
PUSH_SECONDS = 60.0
PUSH_TIMEOUT_SECONDS = 5.0


class Counters:
    """The counters of this process on their way to an endpoint."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url
        self._silent = False

    async def push(self) -> None:
        """Post them once; to be done every `PUSH_SECONDS`."""
        try:
            await self._http.post(self._url, content=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
            self._silent = False
        except httpx.HTTPError as error:
            if not self._silent:
                log.warning("telemetry_unreachable", error=type(error).__name__)
            self._silent = True
