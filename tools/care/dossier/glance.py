"""The first things to know, from the answers: an attempt, the intent, means, who is near, what was taken.

Each question is shown with its own latest answer, the gravest first: a later 'no' to one question never hides an earlier
'yes' to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.care.dossier.answered import Answered
from tools.care.dossier.meanings import load_meanings, meaning


@dataclass(frozen=True, slots=True)
class Said:
    """What one answer says."""

    item: str
    words: str
    at: datetime | None
    grave: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """One of the first things to know."""

    name: str
    """`attempt`, `intent`, `means`, `alone` or `substances`."""
    said: tuple[Said, ...]
    """Gravest first, then newest."""
    refused: int
    """Questions about it that the student chose not to answer."""
    asked: bool
    """Whether anything was asked about it; if not, nothing is known."""


def glance(answers: Sequence[Answered]) -> tuple[Glance, ...]:
    """Sum up the answers, oldest first, under the first things to know."""
    latest = {answer.item: answer for answer in answers}
    return tuple(_section(name, items, latest) for name, items in load_meanings().items())


def _section(name: str, items: Iterable[str], latest: Mapping[str, Answered]) -> Glance:
    found = [latest[item] for item in items if item in latest]
    said = [
        Said(answer.item, meaning(answer.item, answer.value) or answer.label, answer.at, answer.grave)
        for answer in found
        if not answer.refused and not answer.open
    ]
    said.sort(key=lambda one: (not one.grave, -(one.at.timestamp() if one.at else 0)))
    return Glance(name, tuple(said), sum(answer.refused for answer in found), asked=bool(found))
