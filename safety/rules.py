"""The lexicon's data: rules and scopes as they are written in `data/lexicon/*.yaml`, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import yaml

from safety.types import Category, Severity


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
    NEAR = "near"
    """Within 240 characters of the hit, before or after."""
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
    language: str | None
    """Of the files that read one language besides English; the encoder hardly knows it, so nothing it says outweighs."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One reason why a hit may not mean what it says."""

    id: str
    effect: Effect
    reach: Reach
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    """Where this is met in the same stretch, the scope does not hold."""
    hit: re.Pattern[str] | None
    """The scope governs only hits whose own words meet this."""
    categories: frozenset[Category]
    at_most: Severity
    """Rules worse than this are not governed."""
    language: str | None
    """A scope of one language governs only that language's rules."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules and scopes of one version."""

    rules: tuple[Rule, ...]
    scopes: tuple[Scope, ...]
    version: str

    @classmethod
    def load(cls) -> RuleBook:
        """Read and compile the packaged files, in order of name."""
        folder = files("safety").joinpath("data/lexicon")
        documents = [
            yaml.safe_load(entry.read_text("utf-8"))
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".yaml")
        ]
        macros = {name: body for document in documents for name, body in document.get("macros", {}).items()}
        return cls(
            tuple(_rule(row, document, macros) for document in documents for row in document.get("rules", ())),
            tuple(_scope(row, document, macros) for document in documents for row in document.get("scopes", ())),
            ".".join(str(document["version"]) for document in documents),
        )


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
        language=document.get("language"),
    )


def _scope(row: dict[str, Any], document: dict[str, Any], macros: Mapping[str, str]) -> Scope:
    bounded = bool(row.get("bounded", True))
    return Scope(
        id=row["id"],
        effect=Effect(row["effect"]),
        reach=Reach(row["reach"]),
        pattern=compile_patterns(row["any"], macros, bounded),
        unless=compile_patterns(row["unless"], macros, bounded) if "unless" in row else None,
        hit=compile_patterns(row["hit"], macros, bounded) if "hit" in row else None,
        categories=frozenset(Category(name) for name in row["categories"])
        if "categories" in row
        else frozenset(Category),
        at_most=Severity(row.get("at_most", Severity.IMMINENT)),
        language=document.get("language"),
    )
