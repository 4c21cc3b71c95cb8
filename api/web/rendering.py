"""Renders pages: one Jinja environment, the filters that templates use, and who asked for HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.deps import ACCESS_COOKIE
from api.parts import Parts
from api.tokens import set_cookies
from api.web import times
from core.errors import NotAuthenticated
from db.access import Acting
from tools.people.tokens import Tokens

FOLDER = Path(__file__).parent
NEUTRAL_PAGE = "https://www.wikipedia.org/"
"""Where 'Leave fast' goes: a page that says nothing about the one before it."""


def wants_html(request: Request) -> bool:
    """Whether a browser asks for a page, rather than a program for data."""
    asks = is_fragment(request) or "text/html" in request.headers.get("accept", "")
    return asks and not request.url.path.startswith("/api/")


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return "hx-request" in request.headers


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template as the response, with renewed cookies where the session was renewed on the way."""
    page = environment().get_template(template)
    values: Mapping[str, Any] = {"path": request.url.path, "who": signed_in(request), **context}
    response = HTMLResponse(page.render(values), status)
    _keep_session(request, response)
    return response


def go(request: Request, to: str) -> Response:
    """Send the browser on with a GET; htmx is told so that the whole page changes."""
    response: Response = (
        Response(status_code=204, headers={"HX-Redirect": to}) if is_fragment(request) else RedirectResponse(to, 303)
    )
    _keep_session(request, response)
    return response


def unchanged(request: Request) -> Response:
    """Tell a poll that there is nothing new."""
    response = Response(status_code=204)
    _keep_session(request, response)
    return response


def signed_in(request: Request) -> Acting | None:
    """Who is signed in, read from the token alone: a page of help needs no database."""
    who: Acting | None = getattr(request.state, "who", None)
    if who is not None:
        return who
    parts: Parts | None = getattr(request.app.state, "parts", None)
    cookie = request.cookies.get(ACCESS_COOKIE)
    if parts is None or not cookie:
        return None
    try:
        return parts.accounts.access.read(cookie)
    except NotAuthenticated:
        return None


def _keep_session(request: Request, response: Response) -> None:
    tokens: Tokens | None = getattr(request.state, "renewed", None)
    if tokens is not None:
        set_cookies(response, tokens, secure=request.app.state.parts.settings.public_url.startswith("https"))


def static_url(name: str) -> str:
    """The address of a static file, with its content's digest so that an upgrade is never mixed with an old copy."""
    return f"/static/{name}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:10]


@cache
def environment() -> Environment:
    """The Jinja environment; everything is escaped unless it went through the sanitiser."""
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(ahead=times.ahead, clock=times.clock, day=times.day, iso=times.iso, moment=times.moment)
    env.globals.update(static=static_url, neutral_page=NEUTRAL_PAGE)
    return env
