"""The screener's answers item by item, in the words in which they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from safety.triage.words import Words, words_for
from tools.care.dossier.history import Happened


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer to the screener: the question as it was asked, the answer, refused or in the student's words."""

    item: str
    question: str
    value: str
    label: str
    at: datetime


def answered(history: Sequence[Happened], language: str, zone: str) -> tuple[Answered, ...]:
    """Return the answers that the case's history holds, in order."""
    words = words_for(language)
    answers = []
    for entry in history:
        if entry.kind != "answer":
            continue
        item = str(entry.facts["item"])
        asked = f"items.{item}.ask"
        part_of_day = words.part_of_day(entry.at, zone)
        question = words.text(asked, part_of_day=part_of_day) if words.has(asked) else item
        value = str(entry.facts.get("value", ""))
        label = entry.words if entry.words is not None else label_of(words, item, value)
        answers.append(Answered(item, question, value, label, entry.at))
    return tuple(answers)


def label_of(words: Words, item: str, value: str) -> str:
    """Return what the student read on the answer; the bare value where the script no longer knows the question."""
    try:
        return words.choice(item, value).label
    except KeyError:
        return value.replace("_", " ")
