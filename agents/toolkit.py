"""What an agent tool is: typed arguments, data with its as-of time, and failures that say whether to try again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.idempotency import Data
from agents.models import ToolSchema
from agents.services import TurnContext
from agents.state import ToolActivity
from core.errors import CompanionError, Unavailable


class Arguments(BaseModel):
    """Arguments of a tool; an unknown one, such as somebody's id, is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class AgentTool(Generic[A]):
    """One thing an agent can do.

    The docstring of `arguments` is the description that a model reads; `label` is what the student sees.
    """

    name: str
    label: str
    arguments: type[A]
    run: Callable[[TurnContext, A], Awaitable[Data]]

    @property
    def schema(self) -> ToolSchema:
        """The tool in the form that chat completions take."""
        described = convert_to_openai_tool(self.arguments)
        return {"type": "function", "function": {**described["function"], "name": self.name}}

    async def call(self, arguments: dict[str, object], context: TurnContext) -> str:
        """Check the arguments and run; returns JSON with `data` and `as_of`, or with `error` and `retry`."""
        try:
            typed = self.arguments.model_validate(arguments)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return failure(f"The arguments do not fit. {problems}", retry=True)
        try:
            data = await self.run(context, typed)
        except CompanionError as error:
            return failure(error.message, retry=isinstance(error, Unavailable))
        return orjson.dumps({"as_of": context.services.clock.now(), "data": data}).decode()


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one agent."""

    tools: dict[str, AgentTool[Any]]
    schemas: tuple[ToolSchema, ...]

    @classmethod
    def of(cls, *tools: AgentTool[Any]) -> Toolbox:
        return cls({tool.name: tool for tool in tools}, tuple(tool.schema for tool in tools))

    async def call(self, name: str, arguments: dict[str, object], context: TurnContext) -> str:
        """Run a tool by name and tell the student that it was used; an unknown name is a final failure."""
        tool = self.tools.get(name)
        if tool is None:
            return failure(f"There is no tool {name!r}.", retry=False)
        content = await tool.call(arguments, context)
        if not content.startswith('{"error"'):
            context.gate.report(ToolActivity(name, tool.label, f"{context.turn_id}:{name}"))
        return content


def failure(message: str, *, retry: bool) -> str:
    """What a tool answers when it could not do its work; `retry` says whether another try can help."""
    return orjson.dumps({"error": message, "retry": retry}).decode()
