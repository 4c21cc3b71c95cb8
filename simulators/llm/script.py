"""Scripted behaviour: rules that pick a reply from the last user message and from what tools returned."""

import re
from itertools import count
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import Field, field_validator

from simulators.control import Strict
from simulators.llm.protocol import Answer, ChatRequest, ToolCall, as_json, minimal_arguments

DEFAULT_SCRIPT = Path(__file__).parent / "data" / "script.yaml"


class ScriptedCall(Strict):
    """A tool call to make. Strings in `arguments` may use the rule's `$names`."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Rule(Strict):
    """Replies with `text`, `calls` or both when everything it names is found.

    `user`, `system` and `tool_result` are regular expressions, searched without regard to case in the last user
    message, in the system messages, and in what tools returned since that user message. `after_tool` asks whether any
    tool has returned. `text` may use `$user`, `$tool_result` and the named groups of `user`. A rule whose tool is not
    offered does not match, unless `even_if_not_offered`. `times` limits how often it may reply.
    """

    user: str | None = None
    system: str | None = None
    tool_result: str | None = None
    after_tool: bool | None = None
    text: str = ""
    calls: list[ScriptedCall] = Field(default_factory=list)
    even_if_not_offered: bool = False
    times: int | None = None

    @field_validator("user", "system", "tool_result")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def matches(self, request: ChatRequest) -> dict[str, str] | None:
        """Return the words its texts may use, or None if the rule does not apply."""
        results = request.tool_results
        if self.after_tool is not None and self.after_tool != bool(results):
            return None
        offered = request.offered()
        if not self.even_if_not_offered and any(call.name not in offered for call in self.calls):
            return None
        words = {"user": request.user_text, "tool_result": results[-1] if results else ""}
        searched = (
            (self.user, request.user_text),
            (self.system, request.system_text),
            (self.tool_result, "\n".join(results)),
        )
        for pattern, text in searched:
            if pattern is None:
                continue
            found = re.search(pattern, text, re.IGNORECASE)
            if found is None:
                return None
            words |= {name: value or "" for name, value in found.groupdict().items()}
        return words


def load_rules(path: Path = DEFAULT_SCRIPT) -> list[Rule]:
    """Read a script: a YAML list of rules. Raises `pydantic.ValidationError` on a rule it does not understand."""
    return [Rule.model_validate(rule) for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]]


class Numbering:
    """Gives tool calls identifiers that never repeat within a process."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def call(self, name: str, arguments: str) -> ToolCall:
        return ToolCall(f"call_{next(self._numbers):06d}", name, arguments)


def answer_by_rules(request: ChatRequest, rules: list[Rule], numbering: Numbering) -> Answer:
    """Return the reply of the first rule that matches. A demanded tool is called even if no rule does so."""
    forced = request.forced_tool()
    for rule in rules:
        if rule.times == 0 or (forced and not request.tool_results and forced.name not in _names(rule)):
            continue
        words = rule.matches(request)
        if words is not None:
            if rule.times is not None:
                rule.times -= 1
            calls = tuple(numbering.call(call.name, as_json(_filled(call.arguments, words))) for call in rule.calls)
            return Answer(_filled(rule.text, words), calls, "tool_calls" if calls else "stop")
    if forced:
        return call_tools(numbering, forced.name, as_json(minimal_arguments(forced.parameters)))
    return Answer()


def call_tools(numbering: Numbering, name: str, arguments: str) -> Answer:
    """A reply that is one tool call and nothing else."""
    return Answer("", (numbering.call(name, arguments),), "tool_calls")


def _names(rule: Rule) -> set[str]:
    return {call.name for call in rule.calls}


def _filled(value: Any, words: dict[str, str]) -> Any:
    match value:
        case str():
            return Template(value).safe_substitute(words)
        case dict():
            return {key: _filled(inner, words) for key, inner in value.items()}
        case list():
            return [_filled(inner, words) for inner in value]
        case _:
            return value
