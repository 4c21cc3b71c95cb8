"""A whole answer on its way to the client, and what faults make of it."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulators.canvas.errors import internal_error
from simulators.canvas.faults import FOREIGN_HOST, CanvasFault, FaultKind

CAPITALS = {"etag": "ETag", "www-authenticate": "WWW-Authenticate"}
PROXY_PAGE = "<html><head><title>{0}</title></head><body><h1>{0} from the load balancer</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case name and value, in order) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    def with_header(self, name: str, value: str | None) -> "Answer":
        """The same with another value of a header; None takes it away."""
        kept = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def rows(self) -> list[Any] | None:
        """The rows of a body that is a list in JSON; None if it is anything else."""
        if self.status != 200 or not self.header("content-type").startswith("application/json"):
            return None
        content = json.loads(self.body)
        return content if isinstance(content, list) else None


async def answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Let an application answer a request, and keep the answer back."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start = messages[0]
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in messages[1:]))


def throttled(as_429: bool) -> Answer:
    """The refusal of the throttle, in the newer form or the older one."""
    status, reason = (429, "429 Too Many Requests") if as_429 else (403, "403 Forbidden")
    response = PlainTextResponse(f"{reason} (Rate Limit Exceeded)\n", status)
    return _from(response).with_header("x-rate-limit-remaining", "0.0")


def instead_of_answer(fault: CanvasFault | None) -> Answer | None:
    """The answer of a fault that keeps the request from the application; None if it gets there."""
    match fault and fault.kind:
        case FaultKind.THROTTLED_429:
            return throttled(as_429=True)
        case FaultKind.THROTTLED_403:
            return throttled(as_429=False)
        case FaultKind.SERVER_ERROR:
            return _from(internal_error(report=1).response())
        case FaultKind.BAD_GATEWAY:
            status = fault.status if fault else 502
            return _from(HTMLResponse(PROXY_PAGE.format(status), status))
        case _:
            return None


def spoilt(answer: Answer, fault: CanvasFault | None, row_before: Any) -> Answer:
    """The answer as a fault leaves it. `row_before` is the last row of the list's page before."""
    match fault and fault.kind:
        case FaultKind.TRUNCATED_JSON:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case FaultKind.DROPPED_LINK:
            return answer.with_header("link", None)
        case FaultKind.FOREIGN_NEXT:
            return answer.with_header("link", _foreign(answer.header("link")))
        case FaultKind.DUPLICATE_ROW:
            rows = answer.rows()
            if rows is None or row_before is None:
                return answer
            return replace(answer, body=json.dumps([row_before, *rows]).encode())
        case _:
            return answer


async def deliver(answer: Answer, fault: CanvasFault | None, send: Send) -> None:
    """Send an answer, its header names with capitals as HTTP/1.1 has them, unless a fault will have it otherwise."""
    lower_case = fault is not None and fault.kind is FaultKind.LOWER_CASE_HEADERS
    length = (("content-length", str(len(answer.body))),) if answer.status != 304 else ()
    headers = [pair for pair in answer.headers if pair[0] != "content-length"]
    raw = [
        ((name if lower_case else capitalised(name)).encode("latin-1"), value.encode("latin-1"))
        for name, value in (*headers, *length)
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if fault is not None and fault.kind is FaultKind.SLOW_BODY:
        middle = len(answer.body) // 2
        await send({"type": "http.response.body", "body": answer.body[:middle], "more_body": True})
        await asyncio.sleep(fault.seconds)
        await send({"type": "http.response.body", "body": answer.body[middle:]})
    else:
        await send({"type": "http.response.body", "body": answer.body})


def capitalised(name: str) -> str:
    return CAPITALS.get(name, "-".join(part.capitalize() for part in name.split("-")))


def _foreign(link: str) -> str:
    parts = link.split(",")
    return ",".join(_moved(part) if 'rel="next"' in part else part for part in parts)


def _moved(part: str) -> str:
    _, _, path = part.removeprefix("<").partition("://")
    return f"<{FOREIGN_HOST}/{path.partition('/')[2]}"


def _from(response: Response) -> Answer:
    return Answer(response.status_code, tuple(response.headers.items()), bytes(response.body))
