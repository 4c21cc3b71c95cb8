"""Pages that need no sign-in and no database: the landing page, help, and what this service is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from agents.models import EMBEDDED
from api.web.forms import choices
from api.web.rendering import FOLDER, go, render, signed_in
from api.web.session import home_of
from core.settings import Settings
from safety.protocol import published_protocol
from safety.resources import Audience, emergency_for, region_of, resources_for

router = APIRouter(include_in_schema=False)


@router.get("/")
async def landing(request: Request) -> Response:
    """What this is, for somebody who has not signed in; others go on to their own place."""
    who = signed_in(request)
    return go(request, home_of(who)) if who else render(request, "landing.html")


@router.get("/sw.js")
async def worker() -> Response:
    """The script that keeps the help page; served from the root, so that it may answer for every page."""
    return FileResponse(
        FOLDER / "static" / "sw.js", media_type="text/javascript", headers={"cache-control": "no-cache"}
    )


@router.get("/about")
async def about(request: Request) -> Response:
    """What is read, kept and shown to whom, in full, and whether a language model reads it."""
    settings: Settings = request.app.state.parts.settings
    asked = settings.model != EMBEDDED
    return render(request, "about.html", model=asked, second_opinion=asked and settings.second_opinion)


@router.get("/protocol")
async def protocol(request: Request) -> Response:
    """The crisis protocol as it is in force, published for anybody."""
    return render(request, "protocol.html", protocol=published_protocol())


@router.get("/help")
async def help_now(request: Request, region: Annotated[str, Query(max_length=12)] = "") -> Response:
    """Lines to call, text or chat, per region; the region is never guessed."""
    known = region_of(region)
    return render(
        request,
        "help.html",
        region=region.upper() if known else "",
        known=known is not None,
        regions=choices().regions,
        emergency=emergency_for(region or None),
        lines=resources_for(region or None, "en", tuple(Audience)),
    )
