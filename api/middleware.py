"""One thin ASGI layer: request id, size limit, security headers, metrics. Plain ASGI, so a stream is never buffered."""

from __future__ import annotations

import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from core.errors import TooLarge
from core.ids import new_id

REQUESTS = Counter("companion_requests_total", "Requests by route and status", ["method", "route", "status"])
SECONDS = Histogram("companion_request_seconds", "Time to the first byte, by route", ["route"])
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
}


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, secure: bool) -> None:
        self._app, self._max, self._secure = app, max_body_bytes, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = str(new_id())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                headers["x-request-id"] = request_id
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(scope["method"], route, message["status"]).inc()
                SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        if self._declared(scope) > self._max:
            await problem(TooLarge.status, TooLarge.code, TooLarge().message)(scope, receive, send_with_headers)
            return
        await self._app(scope, self._limited(receive), send_with_headers)

    @staticmethod
    def _declared(scope: Scope) -> int:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0

    def _limited(self, receive: Receive) -> Receive:
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max:
                # The framework turns what a body reader raises into a 400 of its own; `problems` looks at the cause.
                raise TooLarge
            return message

        return limited
