"""Where the campus's Canvas is, who we are to it, and how it is asked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigurationError
from core.settings import Settings

_FILE = Path(__file__).parent / "canvas.toml"
CALLBACK = "/api/v1/academic/canvas/callback"
SCOPES = (
    "url:GET|/api/v1/users/:user_id/profile",
    "url:GET|/api/v1/courses",
    "url:GET|/api/v1/courses/:course_id/assignment_groups",
    "url:GET|/api/v1/courses/:course_id/assignments",
    "url:GET|/api/v1/courses/:course_id/students/submissions",
    "url:GET|/api/v1/planner/items",
    "url:GET|/api/v1/calendar_events",
    "url:GET|/api/v1/announcements",
    "url:GET|/api/v1/users/:user_id/missing_submissions",
)
"""What a student is asked to allow: reading only, and nothing about other people."""


@cache
def load_figures() -> dict[str, dict[str, Any]]:
    """The packaged figures, by section."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class CanvasConfig:
    """One Canvas as the service sees it."""

    base_url: str
    """Scheme and host, without a slash at the end."""
    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str
    """Where a browser comes back to."""
    app_redirect_url: str | None = None
    """Where a campus app comes back to, which then posts the answer itself."""
    requests_at_once: int = 16
    token_requests_per_hour: int = 180
    lanes: int = 3
    timeout: float = 15.0

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    @classmethod
    def of(cls, settings: Settings) -> CanvasConfig | None:
        """Read the settings; None when the campus has no Canvas. Raises `ConfigurationError` for half of one."""
        if not settings.canvas_url:
            return None
        parts = urlsplit(settings.canvas_url)
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.path.strip("/"):
            raise ConfigurationError("COMPANION_CANVAS_URL must be scheme and host, as in https://canvas.example.edu.")
        if settings.production and parts.scheme != "https":
            raise ConfigurationError("COMPANION_CANVAS_URL must be https in production: tokens travel over it.")
        secret = settings.canvas_client_secret.get_secret_value()
        if not settings.canvas_client_id or not secret:
            raise ConfigurationError("Set COMPANION_CANVAS_CLIENT_ID and COMPANION_CANVAS_CLIENT_SECRET as well.")
        return cls(
            base_url=f"{parts.scheme}://{parts.netloc}",
            client_id=settings.canvas_client_id,
            client_secret=secret,
            redirect_url=settings.public_url.rstrip("/") + CALLBACK,
            app_redirect_url=settings.canvas_app_redirect_url,
            requests_at_once=settings.canvas_requests_at_once,
            token_requests_per_hour=settings.canvas_token_requests_per_hour,
            lanes=settings.canvas_lanes,
            timeout=float(load_figures()["requests"]["timeout"]),
        )
