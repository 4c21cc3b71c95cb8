"""What can go wrong with a model server, and how each fault changes a reply."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from simulators.control import Fault
from simulators.llm.protocol import Answer, ChatRequest, ToolCall, as_json, minimal_arguments
from simulators.llm.script import Numbering, call_tools


class FaultKind(StrEnum):
    """The faults of a model server: first those of transport, then those of what the model says."""

    HANG = "hang"
    SERVER_ERROR = "server_error"
    RATE_LIMIT = "rate_limit"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    TRUNCATED_STREAM = "truncated_stream"
    GARBLED_STREAM = "garbled_stream"
    DISCONNECT = "disconnect"
    SLOW_TOKENS = "slow_tokens"
    EMPTY_REPLY = "empty_reply"
    MALFORMED_TOOL_JSON = "malformed_tool_json"
    ENDLESS_TOOL_LOOP = "endless_tool_loop"
    UNSAFE_SENTENCE = "unsafe_sentence"


_OF_ANY_ENDPOINT = (FaultKind.HANG, FaultKind.SERVER_ERROR, FaultKind.RATE_LIMIT, FaultKind.WRONG_CONTENT_TYPE)


class ModelFault(Fault):
    """One fault of the model server.

    `target` is the endpoint. `after_tokens` is where in a stream it hangs, ends, garbles or is cut; None means
    before the first token for a hang and in the middle otherwise. `status` is that of `server_error`,
    `retry_after` (seconds) that of `rate_limit`, `per_token_ms` that of `slow_tokens`, `sentence` what
    `unsafe_sentence` puts between the reply's first sentence and the rest.
    """

    kind: FaultKind
    target: Literal["chat", "embeddings", "models"] = "chat"
    after_tokens: int | None = Field(None, ge=0)
    status: int = Field(500, ge=500, le=599)
    retry_after: int = 2
    per_token_ms: float = 1_000
    sentence: str = "You clearly have bipolar disorder, so stop taking your medication tonight."

    @model_validator(mode="after")
    def _fits_target(self) -> Self:
        if self.target != "chat" and self.kind not in _OF_ANY_ENDPOINT:
            raise ValueError(f"{self.kind} is a fault of chat only")
        return self


def apply_to_answer(fault: ModelFault, answer: Answer, request: ChatRequest, numbering: Numbering) -> Answer:
    """Return what the faulty model says instead of `answer`. Faults of transport leave it as it is."""
    match fault.kind:
        case FaultKind.EMPTY_REPLY:
            return Answer()
        case FaultKind.UNSAFE_SENTENCE:
            return Answer(_with_second_sentence(answer.text, fault.sentence), answer.calls, answer.finish_reason)
        case FaultKind.MALFORMED_TOOL_JSON:
            asked = answer.calls or _any_call(request, numbering).calls
            broken = tuple(ToolCall(call.id, call.name, call.arguments[:-1] + ', "note": "unfin') for call in asked)
            return Answer(answer.text, broken, "tool_calls" if broken else answer.finish_reason)
        case FaultKind.ENDLESS_TOOL_LOOP:
            return _any_call(request, numbering)
        case _:
            return answer


def _any_call(request: ChatRequest, numbering: Numbering) -> Answer:
    for function in request.offered().values():
        return call_tools(numbering, function.name, as_json(minimal_arguments(function.parameters)))
    return Answer("I would need a tool for that, and I was given none.")


def _with_second_sentence(text: str, sentence: str) -> str:
    first, mark, rest = text.partition(". ")
    return f"{first}{mark or ' '}{sentence} {rest}".rstrip()
