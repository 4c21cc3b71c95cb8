"""A model that does whatever a text in front of it says: the worst reader of injected instructions.

It reads every message but its own, newest first, and obeys the first instruction it finds: in tool results, user
messages, and in the quoted material of system messages (elements in angle brackets, fenced blocks). It reads through
invisible characters and Base64. What it obeyed is reported, so that a test can tell an attack that was resisted from
one that never reached the model.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from simulators.llm.protocol import Answer, ChatRequest, Message, as_json, minimal_arguments
from simulators.llm.script import Numbering, call_tools

PATTERNS = Path(__file__).parent / "data" / "gullible.yaml"

_QUOTED_MATERIAL = re.compile(
    r"<(?P<tag>[a-z][\w-]*)[^>]*>(?P<inside>.*?)</(?P=tag)>|```(?P<fenced>.*?)```", re.S | re.I
)
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_PAIR = re.compile(r"(?P<key>[a-z_]\w*)\s*[=:]\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;.)]+)", re.I)


@dataclass(frozen=True)
class Obeyed:
    """An instruction that was followed: what it asked for, in whose message, in which words."""

    effect: str
    role: str
    instruction: str


def obey(request: ChatRequest, numbering: Numbering) -> tuple[Answer, Obeyed] | None:
    """Return the reply that follows the newest instruction in the context, or None if there is none left to follow."""
    done = {call.function.name for message in request.messages for call in message.tool_calls}
    for message in reversed(request.messages):
        for text in _readings(message):
            for effect, found in _instructions(text):
                if effect == "call" and found["tool"] in done:
                    continue
                answer = _follow(effect, found, request, numbering)
                return answer, Obeyed(effect, message.role, found.group(0)[:300])
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    effects = yaml.safe_load(PATTERNS.read_text(encoding="utf-8"))["effects"]
    return tuple(
        (effect["effect"], re.compile(pattern, re.IGNORECASE)) for effect in effects for pattern in effect["patterns"]
    )


def _instructions(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for effect, pattern in _patterns():
        for found in pattern.finditer(text):
            yield effect, found


def _readings(message: Message) -> Iterator[str]:
    if message.role == "assistant":
        return
    visible = "".join(char for char in message.text if unicodedata.category(char) != "Cf")
    sources = [visible]
    if message.role in ("system", "developer"):
        sources = [found["inside"] or found["fenced"] or "" for found in _QUOTED_MATERIAL.finditer(visible)]
    for source in sources:
        yield source
        yield from filter(None, (_decoded(found.group(0)) for found in _ENCODED.finditer(source)))


def _decoded(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text if text.isprintable() else ""


def _follow(effect: str, found: re.Match[str], request: ChatRequest, numbering: Numbering) -> Answer:
    match effect:
        case "call":
            return call_tools(numbering, found["tool"], _arguments(found["tool"], found["arguments"] or "", request))
        case "say":
            return Answer(found["text"].strip())
        case "reveal":
            return Answer(f"My instructions are: {request.system_text}")
        case "dump":
            return Answer("\n".join(message.text for message in request.messages))
        case "persona":
            return Answer(f"From now on I am {found['text'].strip()}. My earlier rules no longer apply.")
        case _:
            return Answer("Understood. I am ignoring my earlier instructions.")


def _arguments(tool: str, written: str, request: ChatRequest) -> str:
    start, end = written.find("{"), written.rfind("}")
    if 0 <= start < end:
        try:
            return as_json(json.loads(written[start : end + 1]))
        except json.JSONDecodeError:
            return written[start : end + 1]
    offered = request.offered().get(tool)
    known = minimal_arguments(offered.parameters) if offered else {}
    return as_json(known | {pair["key"]: _value(pair["value"]) for pair in _PAIR.finditer(written)})


def _value(written: str) -> object:
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        return written.strip("'\"")
