"""Feelings and work in a message, by word lists that are data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.dialogue.phrases import read_data


@dataclass(frozen=True, slots=True)
class Feeling:
    """A named emotion of the mood log as it shows in a message; weight 1 mild, 2 plain, 3 strong."""

    name: str
    weight: int
    positive: bool
    noun: str


@dataclass(frozen=True, slots=True)
class _Words:
    name: str
    noun: str
    positive: bool
    by_weight: tuple[tuple[int, re.Pattern[str]], ...]


class Lexicon:
    """Finds feelings and work words; the lists are `data/lexicon.yaml`."""

    def __init__(self) -> None:
        data = read_data("lexicon.yaml")
        self._emotions = tuple(
            _Words(
                name,
                spec["noun"],
                spec.get("positive", False),
                tuple((weight, _whole(words)) for weight, words in sorted(spec["words"].items(), reverse=True)),
            )
            for name, spec in data["emotions"].items()
        )
        self._negation = re.compile(data["negation"], re.IGNORECASE)
        self._work = _whole(data["work"])

    def feelings(self, text: str) -> tuple[Feeling, ...]:
        """Return the feelings of a message, the strongest first."""
        found = []
        for emotion in self._emotions:
            weight = next((w for w, words in emotion.by_weight if self._affirmed(words, text)), 0)
            if weight:
                found.append(Feeling(emotion.name, weight, emotion.positive, emotion.noun))
        return tuple(sorted(found, key=lambda feeling: -feeling.weight))

    def work(self, text: str) -> int:
        """How many words of study and work the message holds."""
        return len(self._work.findall(text))

    def _affirmed(self, words: re.Pattern[str], text: str) -> bool:
        return any(not self._negation.search(text[: match.start()]) for match in words.finditer(text))


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})(?!\w)", re.IGNORECASE)
