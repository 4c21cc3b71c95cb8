"""What review looks for: the rules of `data/review.yaml`, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from safety.resources import load_resources
from safety.self_talk import SelfTalk

_FILE = Path(__file__).parent / "data" / "review.yaml"


class TextKind(StrEnum):
    """What is being reviewed."""

    REPLY = "reply"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Together:
    """Words of which none is a fault alone, in one sentence or in one clause of it."""

    all: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    by_clause: bool

    def meets(self, plain: str) -> bool:
        """Whether all of them are there and nothing that says the opposite."""
        return all(one.search(plain) for one in self.all) and not any(one.search(plain) for one in self.unless)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may not be said."""

    id: str
    kinds: frozenset[TextKind]
    any: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    together: tuple[Together, ...]
    self_talk: SelfTalk | None
    """Set where the rule is about what the software says of itself."""
    say: Mapping[str, str]
    """Language -> what is shown instead."""
    stops: bool
    backed_by_delivery: bool
    listed_numbers: bool


@cache
def load_rules() -> tuple[Rule, ...]:
    """Read the packaged rules.

    Raises:
        re.error, KeyError: a pattern or a rule that cannot be read; nothing is shown unreviewed.
    """
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    terms = {name: re.sub(r"\s*\n\s*", "", _joined(term)) for name, term in data["terms"].items()}
    return tuple(_rule(rule, terms, data) for rule in data["rules"])


@cache
def listed_numbers() -> frozenset[str]:
    """Every number of the resources, digits only, with and without the American 1."""
    numbers = set()
    for entries in load_resources().values():
        for entry in entries:
            numbers |= {re.sub(r"\D", "", number) for number in (entry.call, entry.text, entry.shown) if number}
    return frozenset(numbers | {number.lstrip("1") for number in numbers} | {"1" + number for number in numbers})


def _rule(rule: Mapping[str, Any], terms: Mapping[str, str], data: Mapping[str, Any]) -> Rule:
    return Rule(
        id=rule["id"],
        kinds=frozenset(TextKind(kind) for kind in rule["in"]),
        any=_patterns(rule.get("any", ()), terms),
        unless=_patterns(rule.get("unless", ()), terms),
        together=tuple(
            Together(
                _patterns(one["all"], terms), _patterns(one.get("unless", ()), terms), bool(one.get("by_clause", False))
            )
            for one in rule.get("together", ())
        ),
        self_talk=SelfTalk.from_data(data["self_talk"]) if rule.get("self_talk") else None,
        say=rule["say"],
        stops=rule.get("stops", False),
        backed_by_delivery=rule.get("backed_by") == "delivery",
        listed_numbers=rule.get("listed_numbers", False),
    )


def _patterns(patterns: Any, terms: Mapping[str, str]) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(pattern, terms) for pattern in patterns)


def _pattern(pattern: str, terms: Mapping[str, str]) -> re.Pattern[str]:
    for name, term in terms.items():
        pattern = pattern.replace("{" + name + "}", term)
    return re.compile(pattern)


def _joined(term: str) -> str:
    """A folded term may be wrapped after a bar; the space that YAML makes of the break is not part of it."""
    return term.replace("| ", "|").strip()
