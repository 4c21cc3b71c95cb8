"""Patterns over folded text, and the scope that decides whether a pattern means what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import yaml

from safety.normalize import Normalized
from safety.types import Category, Evidence, Severity, highest
from safety.windows import Span, sentences

LAYER = "lexicon"


class Effect(StrEnum):
    """What a scope does to a hit that lies in it."""

    DROP = "drop"
    """Not a signal."""
    LOWER = "lower"
    """Worth knowing, no crisis: past and resolved."""
    CLARIFY = "clarify"
    """Only a question can tell."""
    OTHER = "other"
    """Somebody else's danger: category third party."""


class Reach(StrEnum):
    """Where a scope's cue must stand to govern a hit."""

    BEFORE = "before"
    """In the hit's own clause, before it, at most six words away."""
    AFTER = "after"
    """In the same sentence, after the hit."""
    SENTENCE = "sentence"
    """Anywhere in the sentence."""
    MESSAGE = "message"
    """Anywhere in the message."""
    OVER = "over"
    """Overlapping the hit itself: a fixed phrase of which the hit is only a part."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One signal: what it is about, how bad, and the patterns that say so."""

    id: str
    category: Category
    severity: Severity
    pattern: re.Pattern[str]
    clarify: bool
    ignores: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """One reason why a hit may not mean what it says."""

    id: str
    effect: Effect
    reach: Reach
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    """Where this is met in the same stretch, the scope does not hold."""
    categories: frozenset[Category]
    at_most: Severity
    """Rules worse than this are not governed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule met at a place, and what its scope made of it."""

    rule: Rule
    span: Span
    category: Category
    severity: Severity
    crisis: bool
    """Whether the hit alone makes the turn leave the ordinary path."""
    clarify: bool
    scopes: tuple[str, ...]

    @property
    def live(self) -> bool:
        """Whether the hit still says something after scope."""
        return self.category is not Category.NONE


@dataclass(frozen=True, slots=True)
class LexiconVerdict:
    """All hits of a message and the worst of what is left of them."""

    hits: tuple[Hit, ...]
    category: Category
    severity: Severity
    clarify: bool
    evidence: tuple[Evidence, ...]

    @property
    def crisis(self) -> bool:
        """Whether a hit in full force is left."""
        return any(hit.crisis for hit in self.hits)


def is_crisis(category: Category, severity: Severity) -> bool:
    """Return whether a signal leaves the ordinary path: for suicide a wish to be dead, else present danger."""
    floor = Severity.LOW if category is Category.SUICIDE else Severity.MODERATE
    return category is not Category.NONE and severity.rank >= floor.rank


class Lexicon:
    """The packaged rules, compiled once."""

    def __init__(self) -> None:
        folder = files("safety").joinpath("data/lexicon")
        documents = [
            yaml.safe_load(entry.read_text("utf-8"))
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".yaml")
        ]
        macros = {name: body for document in documents for name, body in document.get("macros", {}).items()}
        self.version = ".".join(str(document["version"]) for document in documents)
        self.rules = tuple(_rule(row, document, macros) for document in documents for row in document.get("rules", ()))
        self.scopes = tuple(_scope(row, macros) for document in documents for row in document.get("scopes", ()))

    def read(self, message: Normalized) -> LexiconVerdict:
        """Return every rule met in the message, each judged by its scope."""
        text = message.text
        found = [(rule, match) for rule in self.rules for match in rule.pattern.finditer(text)]
        if not found:
            return LexiconVerdict((), Category.NONE, Severity.NONE, False, ())
        places = sentences(text)
        reader = _ScopeReader(text, self.scopes)
        hits = tuple(_judge(rule, match, places, reader) for rule, match in found)
        return _verdict(hits, message)


class _ScopeReader:
    """Finds the scopes that govern a place, scanning the whole message for each at most once."""

    def __init__(self, text: str, scopes: Iterable[Scope]) -> None:
        self._text = text
        self._scopes = tuple(scopes)
        self._wide = {
            scope.id: [Span(*match.span()) for match in scope.pattern.finditer(text)]
            for scope in self._scopes
            if scope.reach in {Reach.MESSAGE, Reach.OVER}
        }

    def governing(self, rule: Rule, hit: Span, sentence: Span) -> list[Scope]:
        return [
            scope
            for scope in self._scopes
            if scope.id.split(".")[0] not in rule.ignores
            and rule.category in scope.categories
            and rule.severity.rank <= scope.at_most.rank
            and self._holds(scope, hit, sentence)
        ]

    def _holds(self, scope: Scope, hit: Span, sentence: Span) -> bool:
        match scope.reach:
            case Reach.MESSAGE:
                stretch, met = self._text, bool(self._wide[scope.id])
            case Reach.OVER:
                stretch = self._text[sentence.start : sentence.end]
                met = any(span.start < hit.end and hit.start < span.end for span in self._wide[scope.id])
            case Reach.BEFORE:
                stretch = _clause_before(self._text, sentence.start, hit.start)
                met = scope.pattern.search(stretch) is not None
            case Reach.AFTER:
                stretch = self._text[hit.end : sentence.end]
                met = scope.pattern.search(stretch) is not None
            case Reach.SENTENCE:
                stretch = self._text[sentence.start : sentence.end]
                met = scope.pattern.search(stretch) is not None
        return met and not (scope.unless and scope.unless.search(stretch))


_CLAUSE = re.compile(
    r"[,;:()]|\bbut\b|\bbecause\b|\bso\b|\bthough\b|\byet\b|\bstill\b|\bjust\b(?=\s+want)|\bpero\b|\bmais\b|\bलेकिन\b"
)


def _clause_before(text: str, start: int, end: int) -> str:
    """Return the last six words before `end` that belong to the same clause."""
    before = text[start:end]
    breaks = list(_CLAUSE.finditer(before))
    if breaks:
        before = before[breaks[-1].end() :]
    return " ".join(before.split()[-6:]) + " "


def _judge(rule: Rule, match: re.Match[str], places: list[Span], reader: _ScopeReader) -> Hit:
    span = Span(*match.span())
    sentence = next((place for place in places if place.start <= span.start < place.end), span)
    scopes = reader.governing(rule, span, Span(sentence.start, max(sentence.end, span.end)))
    effects = {scope.effect for scope in scopes}
    category, severity, clarify = rule.category, rule.severity, rule.clarify
    if Effect.DROP in effects:
        category, severity, clarify = Category.NONE, Severity.NONE, False
    elif Effect.LOWER in effects:
        severity, clarify = Severity.LOW, False
    elif Effect.OTHER in effects:
        category = Category.THIRD_PARTY
        severity = highest(severity, Severity.MODERATE)
    elif Effect.CLARIFY in effects:
        clarify = True
    crisis = is_crisis(category, severity) and not clarify and Effect.LOWER not in effects
    return Hit(rule, span, category, severity, crisis, clarify, tuple(scope.id for scope in scopes))


def _verdict(hits: tuple[Hit, ...], message: Normalized) -> LexiconVerdict:
    live = sorted((hit for hit in hits if hit.live), key=lambda hit: (hit.crisis, hit.severity.rank), reverse=True)
    if not live:
        return LexiconVerdict(hits, Category.NONE, Severity.NONE, False, ())
    worst = live[0]
    evidence = tuple(Evidence(LAYER, hit.rule.id, message.quote(hit.span.start, hit.span.end)) for hit in live[:8])
    clarify = not worst.crisis and any(hit.clarify for hit in live)
    return LexiconVerdict(hits, worst.category, worst.severity, clarify, evidence)


def compile_patterns(patterns: str, macros: Mapping[str, str] | None = None, bounded: bool = True) -> re.Pattern[str]:
    """Compile patterns in the rules' syntax, one a line; `bounded` ones start and end at the edge of a word."""
    body = "|".join(_expand(pattern, macros or {}) for pattern in patterns.strip().splitlines())
    return re.compile(rf"(?<![\w'])(?:{body})(?![\w])" if bounded else f"(?:{body})")


def _expand(pattern: str, macros: Mapping[str, str]) -> str:
    """Turn a rule's pattern into a regular expression.

    `{name}` is a macro, `<3>` stands for up to three words, a space for any white space, an apostrophe may be left out.
    """
    for _ in range(3):
        pattern = re.sub(r"\{([a-z_]+)\}", lambda match: f"(?:{macros[match.group(1)]})", pattern)
    pattern = re.sub(r" ?<(\d)> ?", lambda match: rf"(?: \S+){{0,{match.group(1)}}}? ", pattern)
    return pattern.replace("'", "'?").replace(" ", r"\s+")


def _rule(row: dict[str, Any], document: dict[str, Any], macros: Mapping[str, str]) -> Rule:
    bounded = bool(document.get("bounded", True))
    return Rule(
        id=row["id"],
        category=Category(row["category"] if "category" in row else document["category"]),
        severity=Severity(row["severity"]),
        pattern=compile_patterns(row["any"], macros, bounded),
        clarify=bool(row.get("clarify", False)),
        ignores=frozenset(row.get("ignores", ())),
    )


def _scope(row: dict[str, Any], macros: Mapping[str, str]) -> Scope:
    bounded = bool(row.get("bounded", True))
    return Scope(
        id=row["id"],
        effect=Effect(row["effect"]),
        reach=Reach(row["reach"]),
        pattern=compile_patterns(row["any"], macros, bounded),
        unless=compile_patterns(row["unless"], macros, bounded) if "unless" in row else None,
        categories=frozenset(Category(name) for name in row["categories"])
        if "categories" in row
        else frozenset(Category),
        at_most=Severity(row.get("at_most", Severity.IMMINENT)),
    )
