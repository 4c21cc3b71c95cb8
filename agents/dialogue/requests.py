"""What a request names: a mood number, feelings of the log, a task with its date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agents.dialogue.dates import find_when
from agents.dialogue.ledger import answers
from agents.dialogue.phrases import normal
from agents.dialogue.situation import OpenTask
from agents.dialogue.texts import tidy
from agents.dialogue.understand import Reading

_COMMAND = re.compile(
    r"^(?:(?:hey|hi|ok|okay|please|pls|can you|could you|would you|will you|i need to|i have to|let's)[, ]+)*"
    r"(?:(?:add|create|put|note(?: down)?|write down|save|new|make)\b(?: (?:a|the|this|new|another))*(?: (?:task|to-?do|deadline|reminder))?"
    r"(?: (?:to|for|that|called|named))?|remind me(?: (?:to|about|of|that))?|task:?)[:, ]*",
    re.IGNORECASE,
)
_TO_LIST = re.compile(
    r"\s*\b(?:to|on|in|into|onto) (?:my|the) (?:to-?do )?(?:list|tasks?|to-?dos?|calendar)\b", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:that |to |i(?:'ve)? (?:also )?(?:need|have|must|should|got)(?: to| an?| my)? |my (?=\w+ (?:is|due)))+",
    re.IGNORECASE,
)
_LEFT_OVER = re.compile(r"[\s,:;-]*\b(?:is|it'?s|due|by|on|at|for|before|until|and)?[\s,.:;!-]*$", re.IGNORECASE)
_MINUTES = re.compile(
    r"\b(?:takes?(?: about| around)?|about|around|~)\s*(?P<n>\d{1,3})\s*(?P<unit>min(?:ute)?s?|h(?:our)?s?)\b",
    re.IGNORECASE,
)
_NOT_TITLE = {"done", "finished", "complete", "completed", "mark", "check", "off", "tick", "cross", "list", "task"}


def mood_number(text: str, asked: bool) -> int | None:
    """The mood score in a message; when it was just asked for, any lone number from 1 to 10 counts."""
    low = text.lower()
    if asked:
        match = answers("number", low)
        return int(match["number"]) if match else None
    match = re.search(
        r"(?:\b(?:mood|feel\w*|i'?m|day|today|as|at|a|log|is|be|around|maybe|rate\w*|rating|check.?in)\b\W{0,4}"
        r"(?:\w+\W+){0,3}?)(?P<n>10|[1-9])\b(?!\s*(?:days?|weeks?|hours?|h\b|am|pm|:|%|exams?|times|classes|pages))"
        r"|(?P<m>10|[1-9])\s*(?:/|out of)\s*(?:10|ten)\b",
        low,
    )
    return int(match["n"] or match["m"]) if match else None


def named_emotions(reading: Reading) -> list[str]:
    """At most three feelings of the mood log that the message names."""
    return [feeling.name for feeling in reading.feelings if feeling.name != "positive"][:3]


def task_request(text: str, now: datetime, zone: ZoneInfo, *, whole: bool) -> dict[str, Any] | None:
    """Arguments of `create_task` read from a request, or None when it names no task.

    `whole`: the message answers 'what should it say?', so all of it is the title but its date.
    """
    found = find_when(text, now, zone)
    rest = text if found is None else text[: found[1][0]] + " " + text[found[1][1] :]
    length = _MINUTES.search(rest)
    if length:
        rest = rest[: length.start()] + rest[length.end() :]
    if not whole:
        rest = _COMMAND.sub("", rest.strip())
    title = _LEAD.sub("", _TO_LIST.sub("", rest).strip())
    title = _LEFT_OVER.sub("", tidy(" ".join(title.split())))
    if len(normal(title)) < 2 or normal(title) in ("something", "a task", "task", "it", "this", "something to do"):
        return None
    request: dict[str, Any] = {"title": title[:1].upper() + title[1:]}
    if found:
        request["due"] = found[0].astimezone(zone).isoformat(timespec="minutes")
    if length:
        minutes = int(length["n"]) * (60 if length["unit"].lower().startswith("h") else 1)
        request["estimate_minutes"] = max(1, min(minutes, 6000))
    return request


def task_requests(text: str, now: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The pieces of work that a message lists, separated by commas, lines or 'and'; at most eight."""
    parts = [part for part in re.split(r"[,;\n]+|\band\b(?! a\b)|\.\s", text) if part.strip()]
    asked = [task_request(part, now, zone, whole=len(parts) > 1) for part in parts[:8]]
    return [request for request in asked if request is not None]


def match_task(text: str, tasks: Sequence[OpenTask]) -> tuple[OpenTask, ...]:
    """The open tasks that a message may mean: those that share the most of their title's words with it."""
    words = set(normal(text).split()) - _NOT_TITLE
    scored = [(_overlap(task, words), task) for task in tasks]
    best = max((score for score, _ in scored), default=(0.0, 0))
    return tuple(task for score, task in scored if score == best) if best[0] >= 0.34 else ()


def _overlap(task: OpenTask, words: set[str]) -> tuple[float, int]:
    """The share of the title's words that were said, and how many; 'physics lab report' is not 'lab report'."""
    title = _title_words(task)
    return len(title & words) / max(len(title), 1), len(title & words)


def _title_words(task: OpenTask) -> set[str]:
    return {word for word in normal(task.title).split() if len(word) > 2 or word.isdigit()} - _NOT_TITLE
