"""The phrases of the embedded responder, as data: what may be said, with which slots, and whether it was said already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
_END = re.compile(r"(?<=[.?!…])[”\"]?\s+(?=\S)|\n+")
_NUMBER = re.compile(r"\d{1,2}\.")


def read_data(name: str) -> dict[str, Any]:
    """Read one of the packaged data files."""
    data: dict[str, Any] = yaml.safe_load((DATA / name).read_text(encoding="utf-8"))
    return data


def sentences_of(text: str) -> list[str]:
    """Cut a message into sentences and list lines."""
    found: list[str] = []
    for part in filter(None, map(str.strip, _END.split(text))):
        if found and _NUMBER.fullmatch(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def normal(sentence: str) -> str:
    """The form in which sentences are compared: words only, lower case."""
    return " ".join(re.findall(r"[a-z0-9']+", sentence.lower().replace("’", "'")))


class _Slots(Formatter):
    """`str.format` with conversions of ours: `!c` capitalises the first letter, `!u` all of them."""

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion == "c":
            return value[:1].upper() + value[1:]
        if conversion == "u":
            return value.upper()
        return super().convert_field(value, conversion)


_FORMATTER = _Slots()


@dataclass(frozen=True, slots=True)
class Phrase:
    """One line that may be said: up to a few sentences, at most one of them a question."""

    text: str
    slots: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Phrase:
        """Parse a line with `{slot}` places."""
        return cls(text, frozenset(name for _, name, _, _ in Formatter().parse(text) if name))

    @property
    def asks(self) -> bool:
        """Whether it puts a question."""
        return "?" in self.text

    def fill(self, slots: Mapping[str, str]) -> str:
        """Return the words; every slot must be given."""
        return _FORMATTER.vformat(self.text, (), slots)

    def said_in(self, said: Said) -> bool:
        """Whether one of its sentences, with any filling, was said before."""
        return any(said.holds(template) for template in _templates(self.text))


@cache
def _templates(text: str) -> tuple[str | re.Pattern[str], ...]:
    """The sentences of a phrase in comparable form; those with slots as patterns."""
    found: list[str | re.Pattern[str]] = []
    for sentence in sentences_of(text):
        parts = re.split(r"\{[^}]*\}", sentence)
        if len(parts) == 1:
            found.append(normal(sentence))
        elif any(normal(part) for part in parts):
            found.append(re.compile(r"\s*.*?\s*".join(re.escape(normal(part)) for part in parts)))
    return tuple(found)


class Said:
    """What the companion said in this conversation so far, as far as the window reaches."""

    def __init__(self, messages: Iterable[str]) -> None:
        self._sentences: dict[str, None] = {}
        for message in messages:
            self.add(message)

    def add(self, text: str) -> None:
        """Remember further sentences."""
        self._sentences.update(dict.fromkeys(normal(sentence) for sentence in sentences_of(text)))

    def holds(self, template: str | re.Pattern[str]) -> bool:
        """Whether a sentence of this form was said."""
        if isinstance(template, str):
            return template in self._sentences
        return any(template.fullmatch(sentence) for sentence in self._sentences)


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """All lines by act; `version` names them in a turn's record."""

    version: str
    acts: Mapping[str, tuple[Phrase, ...]]

    @classmethod
    def load(cls) -> Phrasebook:
        """Read the general acts."""
        data = read_data("acts.yaml")
        acts = {act: tuple(Phrase.of(line) for line in lines) for act, lines in data["acts"].items()}
        return cls(str(data["version"]), acts)

    def act_of(self, message: str, acts: Iterable[str]) -> str | None:
        """Return which of `acts` a message of the companion performed, judged by its sentences."""
        said = Said([message])
        return next((act for act in acts if any(phrase.said_in(said) for phrase in self.acts[act])), None)
