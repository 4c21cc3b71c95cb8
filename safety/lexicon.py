"""Reads folded text by the rules, and judges by scope whether a pattern means what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from safety.normalize import Normalized
from safety.rules import Effect, Reach, Rule, RuleBook, Scope
from safety.types import Category, Evidence, Severity, highest
from safety.windows import Span, sentences

LAYER = "lexicon"
_NEAR = 240


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

    @property
    def sure(self) -> bool:
        """Whether one of them decides by itself."""
        return any(hit.crisis and hit.rule.language for hit in self.hits)


def is_crisis(category: Category, severity: Severity) -> bool:
    """Return whether a signal leaves the ordinary path: for suicide a wish to be dead, else present danger."""
    floor = Severity.LOW if category is Category.SUICIDE else Severity.MODERATE
    return category is not Category.NONE and severity.rank >= floor.rank


class Lexicon:
    """Rules applied to messages; with the packaged rules unless told otherwise."""

    def __init__(self, book: RuleBook | None = None) -> None:
        book = book or RuleBook.load()
        self.version = book.version
        self.rules = book.rules
        self.scopes = book.scopes

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
            if scope.reach in {Reach.NEAR, Reach.OVER}
        }

    def governing(self, rule: Rule, hit: Span, sentence: Span) -> list[Scope]:
        return [
            scope
            for scope in self._scopes
            if scope.language in (None, rule.language)
            and scope.id.split(".")[0] not in rule.ignores
            and rule.category in scope.categories
            and rule.severity.rank <= scope.at_most.rank
            and (scope.hit is None or scope.hit.search(self._text, hit.start, hit.end))
            and self._holds(scope, hit, sentence)
        ]

    def _holds(self, scope: Scope, hit: Span, sentence: Span) -> bool:
        match scope.reach:
            case Reach.NEAR:
                start, end = max(hit.start - _NEAR, 0), hit.end + _NEAR
                stretch = self._text[start:end]
                met = any(span.start < end and start < span.end for span in self._wide[scope.id])
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
