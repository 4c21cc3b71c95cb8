"""Reflections by the shape of a sentence: the student's own words, turned round and cut short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from agents.dialogue.phrases import Phrase, read_data
from agents.dialogue.texts import clause, flip

LONGEST = 7
"""Words that a reflection takes over at most; more would be parroting."""
_CUT = r"(?=$|[,.;:!?()\n]|\s(?:and|but|because|bc|so|which|lol|tbh|anymore|right now|when|though|cause|since|then)\b)"
_REST = rf"[\w' -]{{3,60}}?{_CUT}"
_MORE = rf"[\w' -]{{0,40}}?{_CUT}"


_STATEMENT = re.compile(
    r"^(?:I|I'm|I've|we|my|he|she|they|it|it's|everyone|everybody|nobody|people|the|every|mom|dad)\b", re.IGNORECASE
)
_ADDRESSED = re.compile(r"\b(?:you|your|u|idk|don't know|guess|gf|bf|lol)\b|[\d/]", re.IGNORECASE)
HARSH = re.compile(
    r"\b(?:wast\w+|stupid|dumb|idiot|fail\w*|fault|useless|worthless|ugly|fat|burden|loser|lazy|pathetic|disgust\w+"
    r"|deserve|ruin\w*|hate|bad|weak|crazy|broken|fuck\w*|shit\w*|suck\w*|wrong|annoying|should|must|too much|pretty|prettier|thin|smarter|better|disappoint\w*)\b",
    re.IGNORECASE,
)
"""What a student says against themselves is never said back as if it were so."""


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
            words = clause(match["x"])
            if shape.only and not shape.only.search(words):
                continue
            if 1 <= len(words.split()) <= LONGEST and not HARSH.search(words):
                found.append(Echo(shape.say, {"x": flip(words)}))
    return tuple(found)


def plain_echo(text: str, say: tuple[Phrase, ...]) -> Echo | None:
    """A short plain statement turned round whole ('she raised me' → 'she raised you'), or None when it is none."""
    parts = [part for part in re.split(r"[.!\n]+", text) if part.strip()]
    words = clause(parts[-1].lower()) if parts and "?" not in text else ""
    if (
        not 2 <= len(words.split()) <= LONGEST
        or not _STATEMENT.match(words)
        or _ADDRESSED.search(words)
        or HARSH.search(words)
    ):
        return None
    return Echo(say, {"x": flip(words)})


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
