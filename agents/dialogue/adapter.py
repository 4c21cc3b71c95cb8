"""The embedded responder behind LangChain's chat-model interface, so that the same graph and tools run it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import orjson
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from agents.dialogue.responder import Responder, Step
from agents.dialogue.situation import Result, Situation


class DialogueModel(BaseChatModel):
    """A chat model for one turn.

    It reads the results of its tools from the messages; everything else it knows is the turn's situation, which holds
    more than messages can: the reading, the student's tasks and moods.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    responder: Responder = Field(repr=False)
    situation: Situation = Field(repr=False)
    """Not in the representation: LangChain makes one for its callbacks in every call, and it would hold the words."""

    @property
    def _llm_type(self) -> str:
        return "embedded-dialogue"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; the responder calls those of its own plan that are offered."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole = AIMessageChunk(content="")
        for chunk in self._chunks(messages):
            whole += chunk.message  # type: ignore[assignment]  # chunks of one kind add up to that kind
        return ChatResult(
            generations=[ChatGeneration(message=AIMessage(content=whole.content, tool_calls=whole.tool_calls))]
        )

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            yield chunk

    def _chunks(self, messages: Sequence[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        step = self.responder.step(self.situation, results_since_question(messages))
        yield from _spoken(step)


def results_since_question(messages: Sequence[BaseMessage]) -> tuple[Result, ...]:
    """The tool results that follow the student's last message."""
    found: list[Result] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            found.clear()
        elif isinstance(message, ToolMessage):
            content = orjson.loads(str(message.text))
            found.append(Result(message.name or "", content.get("data")))
    return tuple(found)


def _spoken(step: Step) -> Iterator[ChatGenerationChunk]:
    """Piece by piece, so that the first sentence can leave before the last is there."""
    for piece in step.pieces:
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    calls = [
        tool_call_chunk(
            name=call.tool, args=orjson.dumps(call.arguments).decode(), id=f"{call.tool}-{index}", index=index
        )
        for index, call in enumerate(step.calls)
    ]
    reason = {"finish_reason": "tool_calls" if calls else "stop"}
    yield ChatGenerationChunk(
        message=AIMessageChunk(content="", tool_call_chunks=calls, chunk_position="last"), generation_info=reason
    )
