"""Assembles the HTTP service; nothing happens at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import problems
from api.middleware import Edge
from api.parts import Parts, open_parts
from api.routes import (
    academic,
    analytics,
    auth,
    canvas,
    care,
    companion,
    conversations,
    crisis,
    instruments,
    mood,
    operation,
    own_data,
    public,
    second_factor,
    tasks,
    wellness,
)
from api.web import pages
from api.web import problems as problem_pages
from core.settings import Settings

VERSION = "0.1.0"
STATIC = Path(__file__).parent / "web" / "static"
MOST_BODY_BYTES = 1_000_000


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """Build the application; `parts` are opened in the lifespan unless a test brings its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if parts is not None:
            app.state.parts = parts
            yield
            return
        async with open_parts(settings) as opened:
            app.state.parts = opened
            yield

    app = FastAPI(
        title="Companion",
        version=VERSION,
        summary="Somebody to talk to at 3 a.m., and people when it matters.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        responses={"4XX": {"model": problems.Problem}, "5XX": {"model": problems.Problem}},
    )
    problems.install(app)
    problem_pages.install(app)
    for part in (
        auth, second_factor, own_data, conversations, mood, instruments, crisis, companion, wellness, tasks, academic,
        analytics, canvas, public, care,
        operation,
    ):  # fmt: skip
        app.include_router(part.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Edge, max_body_bytes=MOST_BODY_BYTES, secure=settings.public_url.startswith("https"))
    return app
