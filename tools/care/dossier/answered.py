"""The screener's answers item by item: as asked, with what was refused and what has had no answer yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from safety.triage.flow import load_flow
from safety.triage.state import Answer, TriageState
from safety.triage.words import Words, words_for
from tools.care.dossier.history import Happened
from tools.care.dossier.meanings import is_grave

MECHANICS = frozenset({"gd_check_in", "vo_aloud", "vo_heard", "pl_own"})
"""Questions about the conversation itself: their answers say nothing a counselor needs."""
GIVEN = "given"
"""The state's mark for words of the student's own, which are kept with the case alone."""
UNANSWERED = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of the script as it was asked, and what became of it."""

    item: str
    question: str
    value: str
    """`yes`, `no`, `unsure`, `refused`, `said` or the item's own; empty for the student's own words and while there is none."""
    label: str
    """What the student read on the answer, or wrote; empty while there is none."""
    at: datetime | None
    """None: answered before the case was opened, or not yet."""
    grave: bool

    @property
    def refused(self) -> bool:
        """Whether the student chose not to say."""
        return self.value == Answer.REFUSED

    @property
    def open(self) -> bool:
        """Whether it was asked and has had no answer."""
        return not self.label


def answered(history: Sequence[Happened], triage: TriageState | None, language: str, zone: str) -> tuple[Answered, ...]:
    """Return what was asked, in order: answers of the case, those from before it, and questions still open."""
    words = words_for(triage.language if triage else language)
    found = [_of_case(words, entry, zone) for entry in history if entry.kind == "answer"]
    known = {answer.item for answer in found}
    before, still_open = [], []
    for item in dict.fromkeys(triage.asked if triage else ()):
        if item in known or item in MECHANICS or not _is_recorded(item):
            continue
        value = triage.answers.get(item) if triage else None
        if value is None:
            still_open.append(Answered(item, _question(words, item, None, zone), UNANSWERED, "", None, False))
        else:
            before.append(_answer(words, item, value, None, zone))
    return (*before, *(answer for answer in found if answer.item not in MECHANICS), *still_open)


def _of_case(words: Words, entry: Happened, zone: str) -> Answered:
    item = str(entry.facts["item"])
    if entry.words is not None:
        return Answered(item, _question(words, item, entry.at, zone), "", entry.words, entry.at, False)
    return _answer(words, item, str(entry.facts.get("value", "")), entry.at, zone)


def _answer(words: Words, item: str, value: str, at: datetime | None, zone: str) -> Answered:
    own = value in (GIVEN, Answer.SAID)
    label = "In their own words, see what was said" if own else label_of(words, item, value)
    return Answered(item, _question(words, item, at, zone), value, label, at, is_grave(item, value))


def _question(words: Words, item: str, at: datetime | None, zone: str) -> str:
    asked = f"items.{item}.ask"
    if not words.has(asked):
        return item.replace("_", " ")
    day = words.part_of_day(at, zone) if at else words.text("part_of_day.day")
    return words.text(asked, part_of_day=day)


def label_of(words: Words, item: str, value: str) -> str:
    """Return what the student read on the answer; the bare value where the script no longer knows the question."""
    try:
        return words.choice(item, value).label
    except KeyError:
        return value.replace("_", " ")


def _is_recorded(item: str) -> bool:
    """Whether an item is a question whose answer is kept with a case: no file is kept on a friend."""
    known = load_flow().items.get(item)
    return known is not None and known.record
