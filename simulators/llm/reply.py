"""Turns an answer into the bytes of the chat completions protocol, token by token or whole."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from simulators.llm.protocol import Answer, ChatRequest, as_json

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")
_ARGUMENT_PIECE = 12
_PROMPT_TOKENS_PER_MESSAGE = 4
DONE = b"data: [DONE]\n\n"


def tokens_of(text: str) -> list[str]:
    """Split a text into words and marks, with the space before each. Joined, they are the text again."""
    return _TOKEN.findall(text)


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int

    def as_dict(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


class Reply:
    """An answer as an OpenAI completion: the pieces to stream, the whole object, and what they cost in tokens."""

    def __init__(self, answer: Answer, request: ChatRequest, number: int) -> None:
        text_tokens = tokens_of(answer.text)
        limit = request.max_completion_tokens or request.max_tokens
        if limit is not None and len(text_tokens) > limit and not answer.calls:
            text_tokens = text_tokens[:limit]
            answer = replace(answer, text="".join(text_tokens), finish_reason="length")
        self._answer = answer
        self._model = request.model
        self._include_usage = request.stream_options.include_usage
        self._head = {"id": f"chatcmpl-{number:06d}", "created": int(time.time()), "model": request.model}
        self.pieces = [{"content": token} for token in text_tokens] + list(self._call_pieces())
        prompt = sum(len(tokens_of(message.text)) + _PROMPT_TOKENS_PER_MESSAGE for message in request.messages)
        self._usage = Usage(prompt, len(self.pieces))

    def _call_pieces(self) -> Iterator[dict[str, Any]]:
        for index, call in enumerate(self._answer.calls):
            function = {"name": call.name, "arguments": ""}
            yield {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
            for start in range(0, len(call.arguments), _ARGUMENT_PIECE):
                part = call.arguments[start : start + _ARGUMENT_PIECE]
                yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}

    def whole(self) -> dict[str, Any]:
        """The completion as one object."""
        message: dict[str, Any] = {"role": "assistant", "content": self._answer.text or None}
        if self._answer.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self._answer.calls
            ]
        elif not self._answer.text:
            message["content"] = ""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._answer.finish_reason}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage.as_dict()}

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""})

    def event(self, index: int) -> bytes:
        """The server-sent event of one piece."""
        return self._event(self.pieces[index])

    def closing(self) -> bytes:
        """The events that end a stream: the reason, the usage if it was asked for, and the mark of the end."""
        end = self._event({}, self._answer.finish_reason)
        if self._include_usage:
            usage = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage.as_dict()}
            end += f"data: {as_json(usage)}\n\n".encode()
        return end + DONE

    def _event(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return f"data: {as_json(chunk)}\n\n".encode()
