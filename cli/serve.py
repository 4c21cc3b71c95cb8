"""`companion serve`: the HTTP service in this process."""

from __future__ import annotations

import uvicorn

from api.app import create_app
from core.logs import configure_logging
from core.settings import Settings

GRACE_SECONDS = 5


def serve(settings: Settings) -> None:
    """Serve until stopped. Open streams get a few seconds; their turns go on elsewhere or at the next start."""
    settings.require_secrets("spool_public_key")
    configure_logging(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=None,
        backlog=2048,
        proxy_headers=settings.production,
    )
