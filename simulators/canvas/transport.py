"""The servers in front of Canvas's application: its log, its throttle, its clock in the headers, and their faults."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from simulators.canvas.access import bearer_of
from simulators.canvas.answer import Answer, answer_of, deliver, instead_of_answer, spoilt, throttled
from simulators.canvas.faults import CanvasFault, FaultKind, apply
from simulators.canvas.routes.login import SESSION
from simulators.canvas.settings import Canvas
from simulators.serving import until_client_leaves

BASE_COST = 0.25


@dataclass(frozen=True)
class Transport:
    """Wraps the application of a Canvas. Every answer is held back whole, so that faults can spoil it."""

    app: ASGIApp
    canvas: Canvas
    _last_rows: dict[tuple[str, str], Any] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        entry = self.canvas.control.log.add(address, None)
        entry.detail["method"] = scope["method"]
        self._change_world(address)
        fault = self.canvas.control.take(lambda row: row.kind is not FaultKind.CHANGE and row.strikes(address))
        if fault is not None:
            entry.detail["fault"] = fault.kind
        if fault is not None and fault.kind is FaultKind.TIMEOUT:
            entry.outcome = "timeout"
            await until_client_leaves(request)
            return
        answer = instead_of_answer(fault) or await self._pass_throttle(request)
        page_of = (throttle_identity(request), scope["path"])
        answer = self._dated(spoilt(answer, fault, self._last_rows.get(page_of)), fault)
        if fault is None and (rows := answer.rows()):
            self._last_rows[page_of] = rows[-1]
        entry.outcome = str(answer.status)
        entry.detail["user_id"] = scope["state"].get("user_id")
        await deliver(answer, fault, send)

    def clear(self) -> None:
        self._last_rows.clear()

    def _change_world(self, address: str) -> None:
        control = self.canvas.control
        changes = [row for row in control.faults if row.kind is FaultKind.CHANGE and row.strikes(address)]
        for fault in changes:
            control.take(lambda row, due=fault: row is due)  # type: ignore[misc]
            for change in fault.changes:
                apply(change, self.canvas.world, self.canvas.oauth)

    async def _pass_throttle(self, request: Request) -> Answer:
        """Let the application answer if the client's bucket has room, and say what that cost."""
        behaviour = self.canvas.control.behaviour
        settings = behaviour.throttle
        identity = throttle_identity(request)
        if not self.canvas.throttle.reserve(identity, settings):
            return throttled(behaviour.send_429)
        scope = request.scope
        scope.setdefault("state", {})["cost"] = BASE_COST
        try:
            await asyncio.sleep(behaviour.latency_ms / 1_000)
            answer = await answer_of(self.app, scope, request.receive)
        finally:
            remaining = self.canvas.throttle.settle(identity, scope["state"]["cost"], settings)
        if identity.startswith("session:"):
            return answer
        answer = answer.with_header("x-request-cost", f"{scope['state']['cost']:.6f}")
        return answer.with_header("x-rate-limit-remaining", f"{remaining:.6f}")

    def _dated(self, answer: Answer, fault: CanvasFault | None) -> Answer:
        skew = fault.seconds if fault is not None and fault.kind is FaultKind.CLOCK_SKEW else 0
        moment = self.canvas.world.clock.now() + timedelta(seconds=skew)
        return answer.with_header("date", format_datetime(moment, usegmt=True))


def throttle_identity(request: Request) -> str:
    """Whose bucket a request is counted in: its token's, else its session's, else its address's."""
    token = bearer_of(request)
    if token is not None:
        return f"token:{hashlib.sha256(token.encode()).hexdigest()}"
    session = request.cookies.get(SESSION)
    if session is not None:
        return f"session:{session}"
    return f"ip:{request.client.host if request.client else ''}"
