"""What several turns say together: answers, goodbyes, gifts, means after a loss, a joke that takes it back, drift."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from safety.normalize import Normalized, Normalizer
from safety.rules import compile_patterns
from safety.types import Category, Evidence, PriorTurn, Severity

LAYER = "multiturn"
SIGNAL = "signal"
"""Name under which an earlier turn that was itself screened as a signal counts as a cue."""
_SHORT_WORDS = 8


@dataclass(frozen=True, slots=True)
class TurnsVerdict:
    """What the conversation adds to the words of the last message."""

    crisis: bool
    clarify: bool
    category: Category
    severity: Severity
    evidence: tuple[Evidence, ...]
    sure: bool = False
    """A bare answer to a direct question, or explicit words taken back: nothing that another layer says outweighs it."""


NOTHING = TurnsVerdict(False, False, Category.NONE, Severity.NONE, ())


@dataclass(frozen=True, slots=True)
class _Pattern:
    id: str
    now: frozenset[str]
    before: frozenset[str]
    severity: Severity
    crisis: bool


class MultiTurn:
    """The packaged cues and patterns, compiled once."""

    def __init__(self, normalizer: Normalizer) -> None:
        data: dict[str, Any] = yaml.safe_load(files("safety").joinpath("data/multiturn.yaml").read_text("utf-8"))
        self.version = str(data["version"])
        self._normalizer = normalizer
        self._question = compile_patterns(data["direct_questions"])
        self._severe = compile_patterns(data["severe_questions"])
        self._safe = compile_patterns(data["safe_questions"])
        self._yes = _whole(data["assent"])
        self._no = _whole(data["denial"])
        self._retract = compile_patterns(data["retract"])
        self._cues = {name: compile_patterns(body) for name, body in data["cues"].items()}
        self._patterns = tuple(_pattern(row) for row in data["patterns"])
        self._drift: Mapping[str, Any] = data["drift"]

    def read(self, message: Normalized, prior: Sequence[PriorTurn]) -> TurnsVerdict:
        """Judge the message in the light of the earlier turns, oldest first; nothing without any."""
        if not prior:
            return NOTHING
        found = [
            verdict
            for verdict in (
                self._answer(message, prior),
                self._taken_back(message, prior),
                *self._remarks(message, prior),
            )
            if verdict
        ]
        if not found:
            return NOTHING
        worst = max(found, key=lambda verdict: (verdict.crisis, verdict.sure, verdict.severity.rank))
        evidence = tuple(item for verdict in found for item in verdict.evidence)
        clarify = not worst.crisis and any(verdict.clarify for verdict in found)
        return TurnsVerdict(worst.crisis, clarify, worst.category, worst.severity, evidence, worst.sure)

    def _answer(self, message: Normalized, prior: Sequence[PriorTurn]) -> TurnsVerdict | None:
        """A bare answer means what was asked: 'yes' to suicide, or 'no' to being safe."""
        last = prior[-1]
        if last.role == "student":
            return None
        asked = self._normalizer(last.text).text
        # Only the last question is being answered.
        question = (
            asked[max(asked.rfind(mark, 0, max(len(asked) - 2, 0)) for mark in ".!\n") + 1 :] if "?" in asked else asked
        )
        if self._safe.search(question):
            if not (self._no.match(message.text) or self._unsure(message.text)):
                return None
            return self._signal("answer.not_safe", message, Severity.MODERATE)
        if not self._question.search(asked) or "?" not in last.text or not self._yes.match(message.text):
            return None
        return self._signal("answer.yes", message, Severity.HIGH if self._severe.search(question) else Severity.LOW)

    def _unsure(self, text: str) -> bool:
        return re.match(r"\W*(?:not sure|idk|i don'?t know|maybe not|unsure|kinda|not really)\W*$", text) is not None

    def _taken_back(self, message: Normalized, prior: Sequence[PriorTurn]) -> TurnsVerdict | None:
        """A joke does not undo explicit words: the worst of the last turns stays until somebody has asked."""
        if len(message.text.split()) > 2 * _SHORT_WORDS or not (match := self._retract.search(message.text)):
            return None
        recent = [turn for turn in prior[-6:] if turn.role == "student" and turn.severity is not Severity.NONE]
        if not recent:
            return None
        worst = max(recent, key=lambda turn: turn.severity.rank)
        quote = message.quote(*match.span())
        evidence = (Evidence(LAYER, "taken_back", quote),)
        return TurnsVerdict(True, False, worst.category, worst.severity, evidence, sure=True)

    def _remarks(self, message: Normalized, prior: Sequence[PriorTurn]) -> list[TurnsVerdict]:
        now = self._spoken(message.text)
        if not now:
            return []
        students = [turn for turn in prior if turn.role == "student"]
        before = {cue for turn in students for cue in self._spoken(self._normalizer(turn.text).text)}
        if any(turn.severity is not Severity.NONE and turn.category is not Category.THIRD_PARTY for turn in students):
            before.add(SIGNAL)
        found = [
            TurnsVerdict(
                row.crisis,
                not row.crisis,
                Category.SUICIDE,
                row.severity,
                self._because(row.id, message, row.now & set(now)),
            )
            for row in self._patterns
            if row.now & set(now) and row.before & before
        ]
        kinds = (before | set(now)) & set(self._drift["cues"])
        if set(now) & kinds and len(kinds) >= self._drift["clarify"] and len(students) >= 3:
            crisis = len(kinds) >= self._drift["crisis"]
            evidence = self._because("drift", message, set(now) & kinds)
            found.append(TurnsVerdict(crisis, not crisis, Category.SUICIDE, Severity.LOW, evidence))
        return found

    def _spoken(self, text: str) -> dict[str, tuple[int, int]]:
        return {name: match.span() for name, pattern in self._cues.items() if (match := pattern.search(text))}

    def _because(self, rule: str, message: Normalized, cues: set[str] | frozenset[str]) -> tuple[Evidence, ...]:
        spans = self._spoken(message.text)
        return tuple(Evidence(LAYER, rule, message.quote(*spans[cue])) for cue in sorted(cues) if cue in spans)

    def _signal(self, rule: str, message: Normalized, severity: Severity) -> TurnsVerdict:
        evidence = (Evidence(LAYER, rule, message.quote(0, len(message.text))),)
        return TurnsVerdict(True, False, Category.SUICIDE, severity, evidence, sure=True)


def _whole(patterns: str) -> re.Pattern[str]:
    """Match only a message that is nothing but the phrase, with a filler or two."""
    body = "|".join(line.strip().replace("'", "'?") for line in patterns.strip().splitlines())
    filler = r"(?:\W|well|um+|uh+|honestly|i|so|like|ok|okay|tbh|really|though|but)*"
    return re.compile(
        rf"{filler}(?:{body})(?:\W|lol|tbh|i guess|honestly|ok|sorry|really|i am|i do|i think|sometimes|a lot)*$"
    )


def _pattern(row: dict[str, Any]) -> _Pattern:
    return _Pattern(
        row["id"], frozenset(row["now"]), frozenset(row["before"]), Severity(row["severity"]), bool(row["crisis"])
    )
