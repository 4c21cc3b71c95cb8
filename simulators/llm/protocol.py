"""The part of the OpenAI chat and embeddings protocol that a client of ours may send."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field


class FunctionCall(BaseModel):
    name: str
    arguments: str


class AskedCall(BaseModel):
    """A tool call that an earlier reply asked for, as the client repeats it."""

    id: str
    function: FunctionCall


class ContentPart(BaseModel):
    type: str
    text: str = ""


class Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[AskedCall] = Field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of the message, whichever way they were sent."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class Function(BaseModel):
    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class Tool(BaseModel):
    function: Function


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    tools: list[Tool] = Field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)

    @property
    def user_text(self) -> str:
        """The last user message, empty if there is none."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def tool_results(self) -> list[str]:
        """What tools returned since the last user message, oldest first."""
        results: list[str] = []
        for message in reversed(self.messages):
            if message.role == "user":
                break
            if message.role == "tool":
                results.append(message.text)
        return results[::-1]

    @property
    def system_text(self) -> str:
        return "\n".join(message.text for message in self.messages if message.role in ("system", "developer"))

    def offered(self) -> dict[str, Function]:
        """The tools the reply may call, by name."""
        if self.tool_choice == "none":
            return {}
        return {tool.function.name: tool.function for tool in self.tools}

    def forced_tool(self) -> Function | None:
        """The tool that `tool_choice` demands, if it demands one."""
        offered = self.offered()
        if isinstance(self.tool_choice, dict):
            return offered.get(self.tool_choice.get("function", {}).get("name", ""))
        if self.tool_choice == "required":
            return next(iter(offered.values()), None)
        return None


class EmbeddingsRequest(BaseModel):
    model: str
    input: str | list[str] | list[int] | list[list[int]]
    dimensions: int = Field(384, ge=1, le=4096)
    encoding_format: Literal["float", "base64"] = "float"


@dataclass(frozen=True)
class ToolCall:
    """A tool call of a reply; `arguments` is the text a model would have written, not always JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """What the simulated model says: text, tool calls, or nothing at all."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"


def minimal_arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest object that fits a tool's JSON schema: its required properties, each with a plain value."""
    properties = schema.get("properties", {})
    definitions = schema.get("$defs", {})
    return {name: _plain(properties.get(name, {}), definitions) for name in schema.get("required", [])}


_PLAIN_VALUES: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "null": None}


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = definitions.get(schema["$ref"].rsplit("/", 1)[-1], {})
    for given in ("default", "const", "minimum"):
        if given in schema:
            return schema[given]
    for choices in ("enum", "examples"):
        if schema.get(choices):
            return schema[choices][0]
    if schema.get("anyOf"):
        return _plain(schema["anyOf"][0], definitions)
    if schema.get("type") == "object":
        return minimal_arguments({**schema, "$defs": definitions})
    return _PLAIN_VALUES.get(schema.get("type", ""), "text")


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
