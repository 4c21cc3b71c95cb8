"""Errors as pages for browsers: the same words as problem+json, and always the way to help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response

from api.web.rendering import go, is_fragment, render, wants_html
from api.web.session import sign_in_address
from core.errors import Unavailable

Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Let every error handler that is installed answer browsers with a page; call after `api.problems.install`."""
    for kind, handler in list(app.exception_handlers.items()):
        app.exception_handlers[kind] = _for_browsers(cast("Handler", handler))


def problem_page(request: Request, problem: dict[str, Any], draft: str = "") -> Response:
    """The page of a problem; `draft` is what the student had typed, kept in a box to send again.

    Where the chat cannot be shown because a part is down, one can still write: it is answered and kept.
    """
    chat = request.url.path.startswith("/chat") and problem["status"] == Unavailable.status
    write_to = request.url.path if chat and request.method == "GET" else None
    return render(request, "problem.html", problem["status"], problem=problem, draft=draft, write_to=write_to)


def _for_browsers(handler: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if not wants_html(request) or response.media_type != "application/problem+json":
            return response
        problem = orjson.loads(response.body)
        if is_fragment(request):
            return render(request, "parts/trouble.html", problem["status"], problem=problem)
        if response.status_code == 401:
            return go(request, sign_in_address(request.url.path if request.method == "GET" else "/"))
        return problem_page(request, problem)

    return answer
