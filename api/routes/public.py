"""What needs no sign-in: lines per region, health, metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.deps import PartsDep
from api.health import Part, State, look
from conversations.crisis_events import resource_payload
from safety.resources import Audience, resources_for

router = APIRouter()


class LinesOut(BaseModel):
    """Lines of a region; without a region the international finder."""

    region: str | None
    items: list[dict[str, Any]]


class Health(BaseModel):
    """Whether the process lives, and which of its parts answer."""

    status: State
    parts: dict[Part, State] = {}


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
    return Health(status=State.OK)


@router.get("/health/ready", tags=["operation"])
async def ready(parts: PartsDep, response: Response) -> Health:
    """Whether this process can answer students safely: it screens, so a crisis gets the fixed reply and people.

    Without the database that is still so, and the status is `degraded`: an instance that is taken out for it answers
    nobody.
    """
    found = await look(parts)
    if found[Part.SCREENING] is State.DOWN:
        response.status_code = 503
        return Health(status=State.DOWN, parts=found)
    whole = all(state is State.OK for state in found.values())
    return Health(status=State.OK if whole else State.DEGRADED, parts=found)


@router.get("/metrics", tags=["operation"], include_in_schema=False)
async def metrics(parts: PartsDep) -> Response:
    """Counters for Prometheus, and which parts answer; no student appears in them."""
    await look(parts)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
