"""What needs no sign-in: lines per region, health, metrics."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.deps import PartsDep
from conversations.crisis_events import resource_payload
from core.errors import Unavailable
from safety.resources import Audience, resources_for

router = APIRouter()


class LinesOut(BaseModel):
    """Lines of a region; without a region the international finder."""

    region: str | None
    items: list[dict[str, Any]]


class Health(BaseModel):
    """Whether the process lives, and which of its parts answer."""

    status: Literal["ok", "degraded", "down"]
    parts: dict[str, Literal["ok", "down"]] = {}


@router.get("/api/v1/lines", tags=["help"])
async def lines(
    audience: Annotated[list[Audience], Query(default_factory=list)],
    region: Annotated[str | None, Query(pattern=r"^[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?$")] = None,
    language: str = "en",
) -> LinesOut:
    """Lines to call, text or chat; the region is never guessed. `audience` adds the lines of groups."""
    found = resources_for(region, language[:2], audience)
    return LinesOut(region=region, items=[resource_payload(entry) for entry in found])


@router.get("/health/live", tags=["operation"])
async def live() -> Health:
    """Whether this process answers at all."""
    return Health(status="ok")


@router.get("/health/ready", tags=["operation"])
async def ready(parts: PartsDep, response: Response) -> Health:
    """Whether this process can take turns; without the database it still answers a crisis, but is not ready."""
    found: dict[str, Literal["ok", "down"]] = {}
    try:
        async with parts.db.connection() as conn:
            await conn.execute("select 1")
        found["database"] = "ok"
    except Unavailable:
        found["database"] = "down"
    found["redis"] = "ok" if await parts.limiter.shared_answers() else "down"
    if found["database"] == "down":
        response.status_code = 503
        return Health(status="down", parts=found)
    return Health(status="degraded" if "down" in found.values() else "ok", parts=found)


@router.get("/metrics", tags=["operation"], include_in_schema=False)
async def metrics() -> Response:
    """Counters for Prometheus; no student appears in them."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
