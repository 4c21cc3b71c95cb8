"""Reflections by the shape of a sentence: the student's own words, turned round and cut short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from agents.dialogue.phrases import Phrase, read_data
from agents.dialogue.texts import flip, tidy

LONGEST = 8
"""Words that a reflection takes over at most; more would be parroting."""
_CUT = r"(?=$|[,.;:!?()\n]|\s(?:and|but|because|bc|so|which|lol|tbh|anymore|right now|when|though|cause|since|then)\b)"
_REST = rf"[\w' -]{{3,60}}?{_CUT}"
_MORE = rf"[\w' -]{{0,40}}?{_CUT}"


@dataclass(frozen=True, slots=True)
class Echo:
    """A reflection ready to be filled."""

    say: tuple[Phrase, ...]
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Shape:
    when: re.Pattern[str]
    only: re.Pattern[str] | None
    say: tuple[Phrase, ...]


def echoes(text: str) -> tuple[Echo, ...]:
    """Return the reflections that fit a message, in the order of the file."""
    low = text.lower().replace("’", "'")
    found = []
    for shape in _shapes():
        for match in shape.when.finditer(low):
            words = tidy(match["x"])
            if shape.only and not shape.only.search(words):
                continue
            if 1 <= len(words.split()) <= LONGEST:
                found.append(Echo(shape.say, {"x": flip(words)}))
    return tuple(found)


@cache
def _shapes() -> tuple[_Shape, ...]:
    return tuple(
        _Shape(
            re.compile(spec["when"].replace("<rest>", _REST).replace("<more>", _MORE)),
            re.compile(spec["only"]) if "only" in spec else None,
            tuple(map(Phrase.of, spec["say"])),
        )
        for spec in read_data("echoes.yaml")["echoes"]
    )
