"""The HTTP application of the simulated SMS gateway.

`POST /messages` takes `{"to", "body"}` with the headers `Idempotency-Key`, `X-Timestamp` (Unix seconds) and
`X-Signature` (`simulators.signing.sign` over key, timestamp and body). A new message is answered with 202, a resend
under the same key with 200 and the same message, another message under a used key with 409.
"""

import time
from dataclasses import asdict, dataclass
from enum import StrEnum

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError

from simulators.control import Control, Fault, Strict
from simulators.serving import Simulator, until_client_leaves
from simulators.signing import Signed, refusal


class FaultKind(StrEnum):
    """What can go wrong. The gateway may have sent the message all the same: see `GatewayFault.accepted`."""

    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    DUPLICATE = "duplicate"


class GatewayFault(Fault):
    """A fault of the gateway: an error answer, no answer, or a message that reaches the phone twice.

    `accepted` says that the message was sent although the client is not told so: the case idempotency exists for.
    """

    kind: FaultKind
    accepted: bool = False


class Behaviour(Strict):
    """`secret` signs requests; see `simulators.signing`."""

    secret: str


class OutgoingMessage(BaseModel):
    to: str = Field(pattern=r"^\+[1-9]\d{6,14}$", description="a phone number in E.164")
    body: str = Field(min_length=1, max_length=1600)


@dataclass(frozen=True)
class SentMessage:
    """A message as it reached a phone."""

    id: str
    key: str
    to: str
    body: str
    sent_at: float


class _Gateway:
    def __init__(self, control: Control[Behaviour, GatewayFault]) -> None:
        self._control = control
        self._by_key: dict[str, SentMessage] = {}
        self.phone: list[SentMessage] = []

    def clear(self) -> None:
        self._by_key.clear()
        self.phone.clear()

    async def post(self, request: Request) -> Response:
        """Accept a message, unless its signature, its key or a fault is against it."""
        raw = await request.body()
        headers = request.headers
        key = headers.get("idempotency-key", "")
        entry = self._control.log.add(request.url.path, raw.decode(errors="replace"))
        entry.detail["key"] = key
        signed = Signed(key, headers.get("x-timestamp", ""), headers.get("x-signature", ""))
        if refused := refusal(self._control.behaviour.secret, signed, raw, time.time()):
            entry.outcome = f"refused: {refused}"
            return JSONResponse({"error": refused}, 401)
        try:
            message = OutgoingMessage.model_validate_json(raw)
        except ValidationError as error:
            entry.outcome = "refused: invalid"
            return JSONResponse({"error": error.errors(include_url=False, include_context=False)}, 422)
        earlier = self._by_key.get(key)
        if earlier is not None and (earlier.to, earlier.body) != (message.to, message.body):
            entry.outcome = "refused: key used"
            return JSONResponse({"error": "The key belongs to another message."}, 409)
        fault = self._control.take()
        if fault is not None and fault.kind is not FaultKind.DUPLICATE:
            if fault.accepted:
                self._send(key, message)
            entry.outcome = f"fault: {fault.kind}"
            if fault.kind is FaultKind.TIMEOUT:
                await until_client_leaves(request)
            return JSONResponse({"error": "The gateway had an error."}, 500)
        sent = self._send(key, message)
        if fault is not None:
            self.phone.append(sent)
        entry.outcome = "resent" if earlier else "accepted"
        return JSONResponse({"id": sent.id, "status": "sent"}, 200 if earlier else 202)

    def _send(self, key: str, message: OutgoingMessage) -> SentMessage:
        """Send a message once per key and return what was sent under it."""
        if key not in self._by_key:
            number = f"sms_{len(self._by_key) + 1:06d}"
            self._by_key[key] = SentMessage(number, key, message.to, message.body, time.time())
            self.phone.append(self._by_key[key])
        return self._by_key[key]


def create_simulator(secret: str, control_key: str | None = None) -> Simulator:
    """Build the gateway. `/__control__/phone` lists what reached a phone, a doubled message twice."""
    app = FastAPI(title="Simulated SMS gateway", openapi_url=None)
    control: Control[Behaviour, GatewayFault] = Control(control_key, Behaviour(secret=secret), GatewayFault)
    gateway = _Gateway(control)
    control.on_reset = gateway.clear
    router = APIRouter()
    router.add_api_route("/phone", lambda: [asdict(message) for message in gateway.phone], methods=["GET"])
    app.add_api_route("/messages", gateway.post, methods=["POST"], response_model=None)
    app.add_api_route("/health", lambda: {"status": "ok"}, methods=["GET"])
    return Simulator(app, control.app(router))
