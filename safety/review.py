"""Review of every sentence of a model's reply and of every retrieved passage, before anybody sees it.

What fails is replaced by a sentence of `data/review.yaml`, never shown. A rule that cannot run counts as fired.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from safety.resources import load_resources
from safety.sentences import cut_sentences
from safety.triage.facts import DeliveryFacts

_FILE = Path(__file__).parent / "data" / "review.yaml"
_SCAN_LIMIT = 1000
"""Characters of one piece; longer ones are cut before review, so that no pattern meets unbounded text."""


_STRAIGHT = str.maketrans("’‘“”–—", "''\"\"--")


class TextKind(StrEnum):
    """What is being reviewed."""

    REPLY = "reply"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """What a sentence is measured against."""

    kind: TextKind = TextKind.REPLY
    language: str = "en"
    delivery: DeliveryFacts = field(default_factory=DeliveryFacts)
    """Stored facts; a claim that somebody was told stands only on these."""


@dataclass(frozen=True, slots=True)
class ReviewVerdict:
    """Whether a sentence may be shown, and what is shown in its place."""

    ok: bool
    rule: str | None = None
    replacement: str | None = None
    stops: bool = False
    """What follows in the same text is dropped as well."""


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kinds: frozenset[TextKind]
    any: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    say: Mapping[str, str]
    stops: bool
    backed_by_delivery: bool
    listed_numbers: bool


_PASSED = ReviewVerdict(ok=True)


def review_sentence(sentence: str, context: ReviewContext) -> ReviewVerdict:
    """Return whether a sentence may be shown; the first rule that it meets decides."""
    plain = _plain(sentence)
    for rule in _rules():
        if context.kind in rule.kinds and _meets(rule, plain, context):
            replacement = rule.say.get(context.language.split("-")[0], rule.say["en"])
            return ReviewVerdict(ok=False, rule=rule.id, replacement=replacement, stops=rule.stops)
    return _PASSED


class ReviewBuffer:
    """Takes a text as it streams and gives it back sentence by sentence, reviewed.

    A replacement is shown once a rule; after a rule that stops, nothing more of the text is shown.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._pending = ""
        self._tail = ""
        self.findings: list[ReviewVerdict] = []
        self.stopped = False

    def feed(self, delta: str) -> tuple[str, ...]:
        """Take a piece of the stream; return the sentences it completed, each with the white space after it."""
        self._pending += delta
        sentences, self._pending = cut_sentences(self._pending, _SCAN_LIMIT)
        return self._reviewed(sentences)

    def finish(self) -> tuple[str, ...]:
        """Return what is left when the stream has ended."""
        rest, self._pending = self._pending, ""
        return self._reviewed((rest,)) if rest.strip() else ()

    def _reviewed(self, sentences: tuple[str, ...]) -> tuple[str, ...]:
        shown = []
        for sentence in sentences:
            if self.stopped:
                break
            verdict = self._verdict(sentence)
            if verdict.ok:
                shown.append(sentence)
                continue
            if all(earlier.rule != verdict.rule for earlier in self.findings) and verdict.replacement:
                shown.append(verdict.replacement + (_space_after(sentence) or " "))
            self.findings.append(verdict)
            self.stopped = verdict.stops
        return tuple(shown)

    def _verdict(self, sentence: str) -> ReviewVerdict:
        """Review the sentence alone and together with the end of what came before it without a full stop."""
        verdict = review_sentence(sentence, self._context)
        if verdict.ok and self._tail:
            verdict = review_sentence(f"{self._tail} {sentence}", self._context)
        ended = sentence.rstrip().endswith((".", "!", "?", "…", "。", "！", "？"))
        self._tail = "" if ended or not verdict.ok else sentence.strip()[-200:]
        return verdict


def review_text(text: str, context: ReviewContext) -> tuple[str, tuple[ReviewVerdict, ...]]:
    """Review a whole text, such as a retrieved passage; return what may be shown and what was found."""
    buffer = ReviewBuffer(context)
    shown = "".join((*buffer.feed(text), *buffer.finish()))
    return shown.rstrip(), tuple(buffer.findings)


def _meets(rule: _Rule, plain: str, context: ReviewContext) -> bool:
    found = [
        match
        for pattern in rule.any
        for match in pattern.finditer(plain)
        if not any(unless.search(_clause(plain, match)) for unless in rule.unless)
    ]
    if not found:
        return False
    if rule.backed_by_delivery:
        return not _is_backed(plain, context.delivery)
    if rule.listed_numbers:
        return any(re.sub(r"\D", "", match["number"]) not in _listed_numbers() for match in found)
    return True


def _clause(plain: str, match: re.Match[str]) -> str:
    """The words between the commas around a match: a negation elsewhere in the sentence excuses nothing."""
    start = max(plain.rfind(mark, 0, match.start()) for mark in (",", ";", " - ")) + 1
    ends = [at for mark in (",", ";", " - ") if (at := plain.find(mark, match.end())) >= 0]
    return plain[start : min(ends, default=len(plain))].strip()


def _is_backed(plain: str, delivery: DeliveryFacts) -> bool:
    """Whether stored facts carry the claim. That somebody is coming is never a fact of ours."""
    if re.search(
        r"\b(?:coming|on (?:the|their|its|his|her) way|dispatched|call you|reach out|viene|camino|llamar)\b", plain
    ):
        return False
    if re.search(r"\b(?:opened|seen|saw|read|reading|looking)\b", plain):
        return delivery.opened_at is not None
    if re.search(r"\b(?:writing|typing)\b", plain):
        return delivery.writing_at is not None
    return delivery.sent_at is not None


@cache
def _listed_numbers() -> frozenset[str]:
    numbers = set()
    for entries in load_resources().values():
        for entry in entries:
            numbers |= {re.sub(r"\D", "", number) for number in (entry.call, entry.text, entry.shown) if number}
    return frozenset(numbers | {number.lstrip("1") for number in numbers} | {"1" + number for number in numbers})


@cache
def _rules() -> tuple[_Rule, ...]:
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    terms = {name: re.sub(r"\s*\n\s*", "", _joined(term)) for name, term in data["terms"].items()}
    return tuple(_rule(rule, terms) for rule in data["rules"])


def _rule(rule: Mapping[str, Any], terms: Mapping[str, str]) -> _Rule:
    return _Rule(
        id=rule["id"],
        kinds=frozenset(TextKind(kind) for kind in rule["in"]),
        any=tuple(_pattern(pattern, terms) for pattern in rule["any"]),
        unless=tuple(_pattern(pattern, terms) for pattern in rule.get("unless", ())),
        say=rule["say"],
        stops=rule.get("stops", False),
        backed_by_delivery=rule.get("backed_by") == "delivery",
        listed_numbers=rule.get("listed_numbers", False),
    )


def _pattern(pattern: str, terms: Mapping[str, str]) -> re.Pattern[str]:
    for name, term in terms.items():
        pattern = pattern.replace("{" + name + "}", term)
    return re.compile(pattern)


def _joined(term: str) -> str:
    """A folded term may be wrapped after a bar; the space that YAML makes of the break is not part of it."""
    return term.replace("| ", "|").strip()


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    kept = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    kept = kept.translate(_STRAIGHT)
    return " ".join(re.sub(r"[*_`~#>]+", "", kept).split()).lower()


def _space_after(sentence: str) -> str:
    return sentence[len(sentence.rstrip()) :]
