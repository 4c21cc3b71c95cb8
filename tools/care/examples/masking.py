"""Takes out of a message what could tell who wrote it: names, places, numbers, addresses, dates.

Rules and lists, no model. It masks too much rather than too little, and masking what is masked changes nothing. It does
not know every name, so a person reads the result before anything is kept; in a script in which it cannot see names, it
says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "masking.yaml"
MORE = r"[^\W\d_]*(?:['’-](?!s\b)[^\W\d_]+)*"
WORD = rf"[^\W\d_]{MORE}"
LETTERS_OF_CAPITALS = "".join(chr(code) for code in range(0x41, 0x590) if chr(code).isupper())
CAPITAL = rf"[{LETTERS_OF_CAPITALS}]{MORE}"
"""A word that begins with a capital, in Latin, Greek, Cyrillic or Armenian letters."""
SHOUTED = 0.6
"""From this share of capitals upward they are shouting, not naming."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A message without what could tell who wrote it."""

    text: str
    unsure: bool
    """It holds letters of a script in which names cannot be told from words."""


def mask(text: str, known: Iterable[str] = ()) -> Masked:
    """Mask a message.

    Args:
        text: the message.
        known: names and places that belong to the student's life here: their own name, people of their plan, staff, the
            campus. They are masked wherever they stand, whatever their case.
    """
    rules = _rules()
    for pattern, put in rules.shapes:
        text = pattern.sub(put, text)
    text = _known(known).sub(rules.masks["name"], text)
    for pattern, put in rules.words:
        text = pattern.sub(put, text)
    if not _shouted(text):
        text = rules.capital_names.sub(rules.masks["name"], text)
        text = rules.after_preposition.sub(rf"\g<1>{rules.masks['place']}", text)
        text = _capitals(text, rules)
    return Masked(_joined(text), _unsure(text))


Patterns = tuple[tuple[re.Pattern[str], str], ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    masks: dict[str, str]
    shapes: Patterns
    words: Patterns
    capital_names: re.Pattern[str]
    after_preposition: re.Pattern[str]
    not_names: frozenset[str]
    plain_words: frozenset[str]


@cache
def _rules() -> _Rules:
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    capitals = _any(set(data["everyday_names"]) - set(data["sentence_starters"]), capital=True)
    starters = _any(data["sentence_starters"], capital=True)
    return _Rules(
        masks=data["masks"],
        shapes=_shapes(data),
        words=(*_words(data), *_cased(data)),
        capital_names=re.compile(rf"\b(?:{capitals}|(?<=[\w,;’'-]\s)(?:{starters}))(?:-{WORD})*(?:\s+{CAPITAL})?\b"),
        after_preposition=re.compile(
            rf"\b((?i:{_any(data['prepositions'])})\s+)(?!\[)(?!(?:{_not(data)})\b){CAPITAL}(?:\s+{CAPITAL})*"
        ),
        not_names=frozenset([*data["not_names"], *data["kinds_of_place"], *data["titles"]]),
        plain_words=frozenset([*data["plain_words"], *data["not_names"], *data["relations"], *data["titles"]]),
    )


def _shapes(data: dict[str, Any]) -> Patterns:
    """What is recognised by its shape, whatever its case: addresses, dates, numbers."""
    masks, month = data["masks"], "|".join(data["months"])
    plain_month = "|".join(sorted(set(data["months"]) - set(data["everyday_months"]), key=len, reverse=True))
    day = r"\d{1,2}(?:st|nd|rd|th)?"
    dates = (
        r"\b\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?\b",
        rf"\b(?:{month})\.?\s+{day}(?:,?\s+\d{{4}})?\b",
        rf"\b{day}\s+(?:of\s+)?(?:{month})(?:,?\s+\d{{4}})?\b",
        rf"\b(?:{month})\s+\d{{4}}\b",
        rf"\b(?:{plain_month}|{'|'.join(data['weekdays'])}|{_any(data['holidays'])})s?\b",
        r"\b\d{1,2}(?:st|nd|rd|th)\b",
    )
    shapes = (
        (r"(?:https?://|www\.)\S+", masks["link"]),
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", masks["email"]),
        (r"(?<!\w)@\w[\w.]*", masks["handle"]),
        *((date, masks["date"]) for date in dates),
        (r"\b\d{1,2}:\d{2}(?:\s?[ap]\.?m\b\.?)?", masks["number"]),
        (r"\+?\d[\d\s().-]{5,}\d", masks["number"]),
        (r"(?<![\w\[])[\w#-]*\d[\w-]*", masks["number"]),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), put) for pattern, put in shapes)


def _words(data: dict[str, Any]) -> Patterns:
    """Names and places that the lists hold or that somebody is introduced with, whatever their case."""
    masks = data["masks"]
    names = _any(set(data["names"]) - set(data["everyday_names"]))
    places = _any(set(data["places"]) - set(data["everyday_places"]))
    words = (
        (rf"\b({_any(data['titles'])})\.?\s+(?!\[)({WORD})", rf"\g<1> {masks['name']}"),
        (rf"\b({_any(data['introductions'])})\s+(?!\[)({WORD})", rf"\g<1> {masks['name']}"),
        (rf"\b(?:{names})(?:-{WORD})*\b", masks["name"]),
        (rf"\b(?:{places})\b", masks["place"]),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), put) for pattern, put in words)


def _cased(data: dict[str, Any]) -> Patterns:
    """What a capital gives away: after a relation, before a kind of place, a place that is a word as well."""
    masks = data["masks"]
    somewhere = _any([*data["everyday_places"], *data["places"]], capital=True)
    cased = (
        (rf"\b((?i:{_any(data['relations'])}),?)\s+({CAPITAL})", rf"\g<1> {masks['name']}"),
        (rf"\b(?:{CAPITAL}\s+){{1,3}}((?i:{_any(data['kinds_of_place'])}))\b", rf"{masks['place']} \g<1>"),
        (rf"(?<=\S )(?:{somewhere})\b", masks["place"]),
    )
    return tuple((re.compile(pattern), put) for pattern, put in cased)


def _any(words: Iterable[str], *, capital: bool = False) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word.title() if capital else word) for word in longest_first)


def _not(data: dict[str, Any]) -> str:
    return "|".join(f"(?i:{re.escape(word)})" for word in sorted(data["not_names"], key=len, reverse=True))


def _known(known: Iterable[str]) -> re.Pattern[str]:
    """Match every name as a whole, and each of its words that begins with a capital and says nothing else."""
    plain = _rules().plain_words
    found: set[str] = set()
    for name in known:
        words = [re.sub(r"['’]s$", "", word) for word in re.findall(rf"\b{CAPITAL}", name)]
        found |= {name.strip(), *(word for word in words if word.lower() not in plain)}
    whole = [re.escape(word) for word in sorted(found, key=len, reverse=True) if len(word) > 1]
    return re.compile(rf"(?<!\w)(?:{'|'.join(whole)})(?!\w)" if whole else r"(?!)", re.IGNORECASE)


def _capitals(text: str, rules: _Rules) -> str:
    """Mask what is left with a capital inside a sentence: a name that no list holds."""
    inside = re.compile(rf"(?<=[^\s.!?…:;\"“(\[]\s)({CAPITAL}(?:\s+{CAPITAL})*)")

    def put(found: re.Match[str]) -> str:
        words = found.group().split()
        return " ".join(
            word if word.lower().rstrip("'’") in rules.not_names or word.startswith("[") else rules.masks["name"]
            for word in words
        )

    return inside.sub(put, text)


def _shouted(text: str) -> bool:
    letters = [char for char in re.sub(r"\[\w+\]", "", text) if char.isalpha() and char.lower() != char.upper()]
    return bool(letters) and sum(char.isupper() for char in letters) / len(letters) >= SHOUTED


def _joined(text: str) -> str:
    """Put one mask where the same one stands several times in a row: how many words a name has tells something too."""
    return re.sub(r"(\[\w+\])(?:[\s,]+\1)+", r"\1", text)


def _unsure(text: str) -> bool:
    """Whether a letter has no case: in such scripts a name looks like any other word."""
    return any(unicodedata.category(char) == "Lo" for char in text)
