"""The HTTP application of the simulated model server."""

import time
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from simulators.control import Control, Entry, Strict
from simulators.llm.delivery import Delivery, Pacing
from simulators.llm.embeddings import embed, encode_base64
from simulators.llm.faults import FaultKind, ModelFault, apply_to_answer
from simulators.llm.gullible import obey
from simulators.llm.protocol import Answer, ChatRequest, EmbeddingsRequest
from simulators.llm.reply import Reply, tokens_of
from simulators.llm.script import Numbering, Rule, answer_by_rules, load_rules
from simulators.serving import Simulator, until_client_leaves

MODEL = "simulated"


class Behaviour(Strict):
    """How the model answers. Times are in milliseconds; `api_key` is demanded from clients when it is set."""

    first_token_ms: float = Field(0, ge=0)
    per_token_ms: float = Field(0, ge=0)
    gullible: bool = False
    rules: list[Rule] = Field(default_factory=load_rules)
    api_key: str | None = None


ModelControl = Control[Behaviour, ModelFault]


def create_simulator(control_key: str | None = None, behaviour: Behaviour | None = None) -> Simulator:
    """Build the server. `control_key` opens the control plane; without it, behaviour is fixed from the start."""
    app = FastAPI(title="Simulated model server", openapi_url=None)
    control: ModelControl = Control(control_key, behaviour or Behaviour(), ModelFault)
    server = _Server(control)
    app.add_api_route("/v1/chat/completions", server.chat, methods=["POST"], response_model=None)
    app.add_api_route("/v1/embeddings", server.embeddings, methods=["POST"], response_model=None)
    app.add_api_route("/v1/models", server.models, methods=["GET"], response_model=None)
    app.add_api_route("/health", lambda: {"status": "ok"}, methods=["GET"])
    return Simulator(app, control.app())


class _Refused(Exception):
    """A request that is answered with an error of the protocol."""

    def __init__(self, response: Response, outcome: str) -> None:
        self.response = response
        self.outcome = outcome


class _Server:
    def __init__(self, control: ModelControl) -> None:
        self._control = control
        self._numbering = Numbering()

    async def chat(self, request: Request) -> Response:
        """Answer a chat completion, whole or streamed."""
        started = time.monotonic()
        entry = await self._receive(request)
        try:
            self._authenticate(request)
            asked = _parsed(ChatRequest, entry.body)
            fault = await self._fault("chat", request)
        except _Refused as refused:
            entry.outcome = refused.outcome
            return refused.response
        answer = self._answer(asked, fault, entry)
        behaviour = self._control.behaviour
        slow = fault is not None and fault.kind is FaultKind.SLOW_TOKENS
        per_token = fault.per_token_ms if fault and slow else behaviour.per_token_ms
        pacing = Pacing(started, behaviour.first_token_ms, per_token)
        delivery = Delivery(request, entry, Reply(answer, asked, entry.sequence), pacing, fault)
        if asked.stream:
            return StreamingResponse(delivery.stream(), media_type="text/event-stream")
        return await delivery.whole()

    async def embeddings(self, request: Request) -> Response:
        """Answer an embeddings request with hashed vectors."""
        entry = await self._receive(request)
        try:
            self._authenticate(request)
            asked = _parsed(EmbeddingsRequest, entry.body)
            await self._fault("embeddings", request)
        except _Refused as refused:
            entry.outcome = refused.outcome
            return refused.response
        texts = _texts(asked)
        vectors = [embed(text, asked.dimensions) for text in texts]
        encoded = asked.encoding_format == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": encode_base64(vector) if encoded else vector}
            for index, vector in enumerate(vectors)
        ]
        used = sum(len(tokens_of(text)) for text in texts)
        usage = {"prompt_tokens": used, "total_tokens": used}
        entry.outcome = "completed"
        return JSONResponse({"object": "list", "model": asked.model, "data": data, "usage": usage})

    async def models(self, request: Request) -> Response:
        """List the one model there is."""
        entry = self._control.log.add(request.url.path, None)
        try:
            self._authenticate(request)
            await self._fault("models", request)
        except _Refused as refused:
            entry.outcome = refused.outcome
            return refused.response
        entry.outcome = "completed"
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "simulator"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _receive(self, request: Request) -> Entry:
        try:
            body = await request.json()
        except ValueError:
            body = None
        return self._control.log.add(request.url.path, body)

    def _authenticate(self, request: Request) -> None:
        key = self._control.behaviour.api_key
        if key is not None and request.headers.get("authorization") != f"Bearer {key}":
            raise _Refused(_error(401, "Incorrect API key provided.", "invalid_request_error"), "refused: key")

    async def _fault(self, target: str, request: Request) -> ModelFault | None:
        """Take the next fault for an endpoint. Those that leave no reply are raised as `_Refused`."""
        fault = self._control.take(lambda candidate: candidate.target == target)
        if fault is None:
            return None
        outcome = f"fault: {fault.kind}"
        match fault.kind:
            case FaultKind.SERVER_ERROR:
                raise _Refused(_error(fault.status, "The server had an error.", "server_error"), outcome)
            case FaultKind.RATE_LIMIT:
                response = _error(429, "Rate limit reached.", "rate_limit_exceeded")
                response.headers["Retry-After"] = str(fault.retry_after)
                raise _Refused(response, outcome)
            case FaultKind.WRONG_CONTENT_TYPE:
                raise _Refused(HTMLResponse("<!doctype html><title>Sign in</title><h1>Please sign in</h1>"), outcome)
            case FaultKind.HANG if target != "chat":
                await until_client_leaves(request)
                raise _Refused(Response(status_code=499), outcome)
            case _:
                return fault

    def _answer(self, asked: ChatRequest, fault: ModelFault | None, entry: Entry) -> Answer:
        obeyed = obey(asked, self._numbering) if self._control.behaviour.gullible else None
        if obeyed:
            answer, instruction = obeyed
            entry.detail["obeyed"] = asdict(instruction)
        else:
            answer = answer_by_rules(asked, self._control.behaviour.rules, self._numbering)
        if fault:
            entry.detail["fault"] = str(fault.kind)
            answer = apply_to_answer(fault, answer, asked, self._numbering)
        entry.detail["answer"] = asdict(answer)
        return answer


Model = TypeVar("Model", bound=BaseModel)


def _parsed(model: type[Model], body: Any) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _Refused(_error(400, f"{where}: {first['msg']}", "invalid_request_error"), "refused: invalid") from error


def _texts(asked: EmbeddingsRequest) -> list[str]:
    """The texts of a request. Token numbers, which some clients send instead, count as words."""
    if isinstance(asked.input, str):
        return [asked.input]
    if all(isinstance(item, int) for item in asked.input):
        return [" ".join(str(number) for number in asked.input)]
    return [" ".join(map(str, item)) if isinstance(item, list) else str(item) for item in asked.input]


def _error(status: int, message: str, kind: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": None}}, status)
