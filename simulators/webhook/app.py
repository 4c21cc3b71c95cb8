"""The HTTP application of the simulated webhook receiver.

`POST /hook` takes any JSON with the headers of the Standard Webhooks specification: `webhook-id` (the delivery),
`webhook-timestamp` (Unix seconds) and `webhook-signature`. A delivery is handled once, however often it arrives.
"""

import json
import time
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from simulators.control import Control, Fault, Strict
from simulators.serving import Simulator, until_client_leaves
from simulators.signing import Signed, refusal


class FaultKind(StrEnum):
    """What can go wrong at the receiver."""

    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    GONE = "gone"


class ReceiverFault(Fault):
    """A fault of the receiver. `handled` says that the delivery was handled although the sender is not told so."""

    kind: FaultKind
    handled: bool = False


class Behaviour(Strict):
    """`secret` signs deliveries; see `simulators.signing`."""

    secret: str


class _Receiver:
    def __init__(self, control: Control[Behaviour, ReceiverFault]) -> None:
        self._control = control
        self.deliveries: dict[str, Any] = {}

    async def post(self, request: Request) -> Response:
        """Handle a delivery, unless its signature or a fault is against it."""
        raw = await request.body()
        headers = request.headers
        signed = Signed(
            headers.get("webhook-id", ""),
            headers.get("webhook-timestamp", ""),
            headers.get("webhook-signature", ""),
        )
        entry = self._control.log.add(request.url.path, raw.decode(errors="replace"))
        entry.detail["delivery"] = signed.identifier
        if refused := refusal(self._control.behaviour.secret, signed, raw, time.time()):
            entry.outcome = f"refused: {refused}"
            return JSONResponse({"error": refused}, 401)
        try:
            payload = json.loads(raw)
        except ValueError:
            entry.outcome = "refused: invalid"
            return JSONResponse({"error": "The body is not JSON."}, 400)
        known = signed.identifier in self.deliveries
        if fault := self._control.take():
            if fault.handled:
                self.deliveries.setdefault(signed.identifier, payload)
            entry.outcome = f"fault: {fault.kind}"
            return await self._fail(request, fault)
        self.deliveries.setdefault(signed.identifier, payload)
        entry.outcome = "known" if known else "handled"
        return Response(status_code=204)

    async def _fail(self, request: Request, fault: ReceiverFault) -> Response:
        if fault.kind is FaultKind.TIMEOUT:
            await until_client_leaves(request)
        return Response(status_code=410 if fault.kind is FaultKind.GONE else 500)


def create_simulator(secret: str, control_key: str | None = None) -> Simulator:
    """Build the receiver. `/__control__/deliveries` gives what was handled: delivery id to payload."""
    app = FastAPI(title="Simulated webhook receiver", openapi_url=None)
    control: Control[Behaviour, ReceiverFault] = Control(control_key, Behaviour(secret=secret), ReceiverFault)
    receiver = _Receiver(control)
    control.on_reset = receiver.deliveries.clear
    router = APIRouter()
    router.add_api_route("/deliveries", lambda: receiver.deliveries, methods=["GET"])
    app.add_api_route("/hook", receiver.post, methods=["POST"], response_model=None)
    app.add_api_route("/health", lambda: {"status": "ok"}, methods=["GET"])
    return Simulator(app, control.app(router))
