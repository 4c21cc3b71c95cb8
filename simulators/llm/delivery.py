"""Delivers a reply at its pace, and lets the faults of transport happen on the way."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from simulators.control import Entry
from simulators.llm.faults import FaultKind, ModelFault
from simulators.llm.reply import Reply
from simulators.serving import ConnectionCut, CutResponse, until_client_leaves


@dataclass(frozen=True)
class Pacing:
    """When each token is due: `first_token_ms` after `started` (a monotonic time in s), then every `per_token_ms`.

    Due times are absolute, so that the work between tokens does not stretch a reply.
    """

    started: float
    first_token_ms: float
    per_token_ms: float

    async def until(self, token: int) -> None:
        """Wait until the token (counted from 0) is due."""
        due = self.started + (self.first_token_ms + token * self.per_token_ms) / 1_000
        remaining = due - time.monotonic()
        if remaining > 0:
            await asyncio.sleep(remaining)


@dataclass(frozen=True)
class Delivery:
    """One reply on its way to a client; what became of it is written into its log entry."""

    http: Request
    entry: Entry
    reply: Reply
    pacing: Pacing
    fault: ModelFault | None

    async def whole(self) -> Response:
        """Answer with one object, when the last token would have been due."""
        if self.fault is not None and self.fault.kind is FaultKind.HANG:
            self.entry.outcome = "fault: hang"
            await until_client_leaves(self.http)
            return Response(status_code=499)
        await self.pacing.until(len(self.reply.pieces))
        response = JSONResponse(self.reply.whole())
        half = bytes(response.body)[: len(response.body) // 2]
        match self.fault and self.fault.kind:
            case FaultKind.DISCONNECT:
                self.entry.outcome = "fault: disconnect"
                return CutResponse(half, media_type="application/json")
            case FaultKind.TRUNCATED_STREAM | FaultKind.GARBLED_STREAM as kind:
                self.entry.outcome = f"fault: {kind}"
                return Response(half, media_type="application/json")
            case _:
                self.entry.outcome = "completed"
                return response

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield server-sent events, each token when it is due; tokens due at once share one write."""
        breaks_at = self._breaks_at()
        try:
            await self.pacing.until(0)
            pending = self.reply.opening()
            for index in range(len(self.reply.pieces))[:breaks_at]:
                await self.pacing.until(index)
                pending += self.reply.event(index)
                if self.pacing.per_token_ms:
                    yield pending
                    pending = b""
            if breaks_at is None or self.fault is None:
                yield pending + self.reply.closing()
                self.entry.outcome = "completed"
                return
            garble = self.fault.kind is FaultKind.GARBLED_STREAM
            yield pending + b'data: {"error": "unfin\n\n' if garble else pending
            self.entry.outcome = f"fault: {self.fault.kind}"
            if self.fault.kind is FaultKind.HANG:
                await until_client_leaves(self.http)
            if self.fault.kind is FaultKind.DISCONNECT:
                raise ConnectionCut
        finally:
            if self.entry.outcome == "open":
                self.entry.outcome = "client left"

    def _breaks_at(self) -> int | None:
        """The number of tokens after which the stream breaks; None if it does not."""
        match self.fault and self.fault.kind:
            case FaultKind.HANG:
                middle = 0
            case FaultKind.TRUNCATED_STREAM | FaultKind.GARBLED_STREAM | FaultKind.DISCONNECT:
                middle = len(self.reply.pieces) // 2
            case _:
                return None
        return middle if self.fault is None or self.fault.after_tokens is None else self.fault.after_tokens
