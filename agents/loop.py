"""The tool loop: stream a reply through the gate, run the tools it asks for, go round again.

A loop of our own instead of `langchain.agents.create_agent`, which cost 1.2 ms of CPU more a reply and 2.4 ms more a
reply with a tool (langchain 1.4, measured on a model that answers at once), and which acts on broken tool arguments as
far as they can be guessed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import orjson
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage

from agents.models import ModelFault, ToolSchema
from agents.services import TurnContext
from agents.state import ScreenedTurn
from agents.toolkit import Toolbox

MAX_ROUNDS = 5
MAX_CALLS_A_ROUND = 4


class Speaker(Protocol):
    """A model that streams one reply to a list of messages."""

    def stream(
        self, turn: ScreenedTurn, messages: Sequence[BaseMessage], tools: Sequence[ToolSchema]
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream the reply to a turn; raises `TypeError` for what is no screened turn."""
        ...


async def converse(
    speaker: Speaker, turn: ScreenedTurn, messages: list[BaseMessage], toolbox: Toolbox, context: TurnContext
) -> None:
    """Let a model answer a turn, with its tools, through the gate.

    Raises `ModelFault` for an empty reply, arguments that are not JSON, or tools called without end. What had passed
    the gate by then was shown and stays.
    """
    for _ in range(MAX_ROUNDS):
        reply = await _say(speaker, turn, messages, toolbox.schemas, context)
        if context.gate.stopped:
            return
        calls = _calls(reply)
        if not calls:
            _end(reply, context)
            if not context.gate.said:
                raise ModelFault("empty_reply")
            return
        messages.append(AIMessage(content=str(reply.text), tool_calls=reply.tool_calls))
        for call_id, name, arguments in calls:
            content = await toolbox.call(name, arguments, context)
            messages.append(ToolMessage(content=content, tool_call_id=call_id, name=name))
    raise ModelFault("tool_loop")


def _end(reply: AIMessageChunk, context: TurnContext) -> None:
    """Let out the last sentence, unless the reply was cut at its longest; a stream without an end broke off."""
    reason = reply.response_metadata.get("finish_reason")
    if reason is None:
        raise ModelFault("truncated")
    if reason == "length" and context.gate.said:
        context.gate.drop()
    context.gate.close()


async def _say(
    speaker: Speaker,
    turn: ScreenedTurn,
    messages: Sequence[BaseMessage],
    tools: Sequence[ToolSchema],
    context: TurnContext,
) -> AIMessageChunk:
    whole: AIMessageChunk | None = None
    async for chunk in speaker.stream(turn, messages, tools):
        if chunk.text:
            context.gate.feed(str(chunk.text))
        if context.gate.stopped:
            return chunk
        whole = chunk if whole is None else whole + chunk
    if whole is None:
        raise ModelFault("empty_reply")
    return whole


def _calls(reply: AIMessageChunk) -> list[tuple[str, str, dict[str, object]]]:
    """Read the tool calls strictly: LangChain completes broken JSON by guessing, and a guess must not be acted on."""
    calls = []
    for chunk in reply.tool_call_chunks:
        try:
            arguments = orjson.loads(chunk["args"] or "{}")
        except orjson.JSONDecodeError as error:
            raise ModelFault("malformed_tool_call") from error
        if not isinstance(arguments, dict) or not chunk["name"]:
            raise ModelFault("malformed_tool_call")
        calls.append((chunk["id"] or chunk["name"], chunk["name"], arguments))
    if len(calls) > MAX_CALLS_A_ROUND:
        raise ModelFault("tool_loop")
    return calls
