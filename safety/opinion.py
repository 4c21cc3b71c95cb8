"""A second opinion on a message that screening let pass: read strictly, and able to raise a verdict only. Pure.

Whatever gives the opinion is not trusted: what cannot be read, quotes words that were not said, or is milder than the
verdict changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from safety.types import Category, Evidence, Screening, Severity, highest

LAYER = "second_opinion"
LONGEST = 4000
"""Characters of an opinion; a longer one is none."""


class Level(StrEnum):
    """What an opinion asks for."""

    NONE = "none"
    CLARIFY = "clarify"
    CRISIS = "crisis"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the second reader says of a message."""

    level: Level
    category: Category
    severity: Severity
    quote: str
    """The student's own words that it rests on; empty with the level `none`."""


def read_opinion(reply: str, words: str) -> Opinion:
    """Read an opinion from a reply: one JSON object of four fields, with or without text around it.

    Raises `ValueError` for anything else, and for a quote that does not stand in the student's `words`.
    """
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start or len(reply) > LONGEST:
        raise ValueError("an opinion is one JSON object")
    found = orjson.loads(reply[start : end + 1])
    if not isinstance(found, dict) or set(found) != {"level", "category", "severity", "quote"}:
        raise ValueError("an opinion has four fields")
    level = Level(found["level"])
    if level is Level.NONE:
        return Opinion(level, Category.NONE, Severity.NONE, "")
    opinion = Opinion(level, Category(found["category"]), Severity(found["severity"]), str(found["quote"]).strip())
    if opinion.category is Category.NONE or opinion.severity is Severity.NONE:
        raise ValueError("an opinion says what it is about and how grave")
    if not opinion.quote or _plain(opinion.quote) not in _plain(words):
        raise ValueError("an opinion rests on the student's own words")
    return opinion


def raised_by(screening: Screening, opinion: Opinion, source: str) -> Screening | None:
    """Return the verdict raised by an opinion; None where the opinion asks for no more than the verdict does.

    Args:
        screening: what screening found, all layers running.
        opinion: what the second reader says.
        source: version of prompt and reader; it becomes part of the verdict's version.
    """
    if opinion.level is Level.NONE:
        return None
    crisis = opinion.level is Level.CRISIS
    evidence = Evidence(LAYER, f"{opinion.category.value}.{opinion.severity.value}", opinion.quote)
    second = replace(
        screening,
        crisis=crisis,
        clarify=not crisis,
        category=opinion.category,
        severity=highest(screening.severity, opinion.severity),
        evidence=(evidence,),
        version=f"{screening.version}/{source}",
    )
    raised = screening.or_worse(second)
    return raised if (raised.crisis, raised.clarify) > (screening.crisis, screening.clarify) else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
