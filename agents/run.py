"""Runs one screened turn through the graph and yields what the student gets, as soon as it is reviewed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
from langgraph.config import get_stream_writer
from langsmith import tracing_context

from agents.gate import Gate
from agents.graph import turn_graph
from agents.services import TurnServices, context_of
from agents.state import ScreenedTurn, TurnEvent, TurnOutcome, require_screened
from core.errors import CompanionError
from core.logs import get_logger
from embedding.errors import EmbeddingUnavailable
from embedding.protocol import Embedder, Vectors

log = get_logger("agents.run")


async def stream_turn(turn: ScreenedTurn, services: TurnServices) -> AsyncIterator[TurnEvent]:
    """Answer a screened turn: reviewed sentences, tool activity and citations in order, one `TurnOutcome` last.

    Raises `TypeError` for anything that is not a `ScreenedTurn`, before any node runs. A model that fails costs
    nothing but the wait: the embedded responder answers. Tool writes happen once per turn, so running a turn again
    after a crash is safe. No transaction is open while the caller handles an event.
    """
    require_screened(turn)
    gate = Gate(_write, turn.language, turn.delivery)
    context = context_of(turn, services, gate, await _embed(turn.text, services.embedder))
    graph = turn_graph()
    # Tracing would send a student's words to a third party if a variable in the environment asked for it.
    outcome: TurnOutcome | None = None
    with tracing_context(enabled=False):
        stream = cast(
            "AsyncIterator[tuple[str, Any]]",
            graph.astream({"turn": turn}, context=context, stream_mode=["custom", "values"]),
        )
        async for mode, part in stream:
            if mode == "custom":
                yield part
            else:
                outcome = part.get("outcome")
    if outcome is None:
        raise CompanionError("The turn ended without an outcome.")
    yield outcome


async def _embed(text: str, embedder: Embedder) -> Vectors | None:
    """The one embedding of the message, which routing and retrieval share; None when the encoder is down."""
    try:
        vectors: Vectors = await asyncio.to_thread(embedder.encode, [text])
    except EmbeddingUnavailable as error:
        log.warning("message_not_embedded", error=type(error).__name__)
        return None
    return np.asarray(vectors[0])


def _write(event: TurnEvent) -> None:
    get_stream_writer()(event)
