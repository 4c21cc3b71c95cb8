"""The script's words in each language, and how a typed answer is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from safety.triage.facts import StudentFacts
from safety.triage.state import Answer
from safety.triage.step import Choice
from safety.types import Screening

_FOLDER = Path(__file__).resolve().parents[1] / "data" / "scripts"
DEFAULT_LANGUAGE = "en"
LANGUAGES = ("en", "es")

DONE_SOMETHING = "done_something"
STOP = "stop"
NEVER_MIND = "never_mind"
WANT_PERSON = "want_person"
ELSEWHERE = "elsewhere"
HERE = "here"
OPEN_PLAN = "open_plan"
QUICK_EXIT = "quick_exit"
UNDERSTOOD_ANYWHERE = (DONE_SOMETHING, STOP, NEVER_MIND, WANT_PERSON, ELSEWHERE, HERE)
"""Values that a student may send at any step."""

_SHORT_ANSWER = 9
"""Words up to which a phrase anywhere in the message counts as the answer."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language of the script."""

    version: str
    language: str
    tree: Mapping[str, Any]

    def text(self, key: str, **values: str) -> str:
        """Return the text at a dotted key with its places filled.

        Raises:
            KeyError: no such text, or a place without a value.
        """
        found: Any = self.tree
        for part in key.split("."):
            found = found[part]
        return str(found).format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text at a dotted key."""
        found: Any = self.tree
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return False
            found = found[part]
        return True

    def choice(self, item: str, value: str) -> Choice:
        """Return a quick reply with the item's own label, or the common one."""
        labels = self.tree["items"][item].get("labels", {})
        return Choice(value, str(labels.get(value) or self.tree["choices"][value]))

    def zone(self, name: str) -> str:
        """Return the zone's name if it exists, else UTC."""
        return _zone(name).key

    def country(self, text: str) -> str | None:
        """Return the region of a country named in a short typed answer, or None."""
        plain = f" {_plain(text)} "
        named = {
            region for region, names in self.tree["countries"].items() if any(f" {name} " in plain for name in names)
        }
        return str(named.pop()) if len(named) == 1 else None

    def moment(self, moment: datetime, zone: str) -> str:
        """Return weekday and hour in the student's zone: 'Monday 9:00'."""
        local = moment.astimezone(_zone(zone))
        return self.text("moment", day=self.tree["days"][local.weekday()], time=clock_time(moment, zone))

    def hour(self, moment: datetime, now: datetime, zone: str) -> tuple[str, str]:
        """Return what the text's key ends in and the hour: '' and '14:20' today, '_on' and 'Monday 9:00' on another day."""
        if moment.astimezone(_zone(zone)).date() == now.astimezone(_zone(zone)).date():
            return "", clock_time(moment, zone)
        return "_on", self.moment(moment, zone)

    def unstaffed(self, facts: StudentFacts) -> str:
        """Return the sentence that says when somebody here looks next, or that this is not known."""
        if facts.next_staffed is None:
            return self.text("sharing.unstaffed_unknown")
        return self.text("sharing.unstaffed", when=self.moment(facts.next_staffed, facts.zone))

    def clarify_item(self, screening: Screening) -> str:
        """Return the clarifying question that fits the student's words; danger to others has its own."""
        quotes = " ".join(entry.quote for entry in screening.evidence).lower()
        for item, cues in self.tree["clarify_cues"].items():
            if any(cue in quotes for cue in cues):
                return str(item)
        return "cl_dying" if screening.category.value in ("suicide", "self_harm", "none", "ai_harm") else "cl_danger"

    def part_of_day(self, now: datetime, zone: str) -> str:
        """Return 'tonight' from six in the evening to five in the morning of the student's zone, else 'today'."""
        hour = now.astimezone(_zone(zone)).hour
        return self.text("part_of_day.night" if hour >= 18 or hour < 5 else "part_of_day.day")

    def read(self, text: str, choices: Sequence[Choice], *, phrases: bool) -> str | None:
        """Return the value that a reply means: a choice's value or label, or a typed answer; None if unclear.

        A yes or a no is read only from messages that hold nothing else, so that 'no i want to die' is unclear.

        Args:
            text: what the student typed or tapped.
            choices: the answers of the question that stands.
            phrases: read typed phrases too; not outside triage, where 'i did it' may be about homework.
        """
        values = {choice.value for choice in choices}
        typed = text.strip().lower()
        if typed in values or typed in UNDERSTOOD_ANYWHERE:
            return typed
        plain = _plain(text)
        for choice in choices:
            if plain and plain == _plain(choice.label):
                return choice.value
        if not phrases:
            return None
        return self._half(plain) or self._phrase(plain) or self._yes_or_no(plain) or self._label(plain, choices)

    def stops(self, text: str) -> bool:
        """Whether a reply asks to be asked no more, by itself or behind a yes or a no."""
        words = _plain(text).split()
        return self._stops(words) or (self._head(words) is not None and self._stops(words[1:], whole=True))

    def leading(self, text: str) -> str | None:
        """Return the yes or no that a reply begins with, where nothing after it soothes or negates; None otherwise."""
        words = _plain(text).split()
        head, rest = self._head(words), set(words[1:])
        soothes = {*self.tree["answers"]["soothes"], *(self.tree["answers"]["negations"] if head == Answer.YES else ())}
        return head if rest.isdisjoint(soothes) else None

    def _half(self, plain: str) -> str | None:
        """Return the yes or no before a wish not to be asked more: 'yes, stop asking', 'yes but dont ask me how'."""
        words = plain.split()
        return self._head(words) if self._stops(words[1:]) and not self._stops(words, whole=True) else None

    def _head(self, words: Sequence[str]) -> str | None:
        leads = self.tree["answers"]["leads"]
        return next((value for value in ("yes", "no") if words and words[0] in leads[value]), None)

    def _stops(self, words: Sequence[str], *, whole: bool = False) -> bool:
        """Whether these words are a wish not to be asked, or begin with one; somebody else's wish has a subject before it."""
        answers = self.tree["answers"]
        left = [word for word in words if word not in answers["fillers"]]
        while left and left[0] in answers["asks"]:
            left = left[1:]
        for said in (" ".join(words), " ".join(left)):
            if said in answers["stop"]:
                return True
            if not whole and any(" " in phrase and said.startswith(f"{phrase} ") for phrase in answers["stop"]):
                return len(words) <= _SHORT_ANSWER
        return False

    def _phrase(self, plain: str) -> str | None:
        answers = self.tree["answers"]
        words = plain.split()
        if len(words) > _SHORT_ANSWER:
            return None
        bare = " ".join(word for word in words if word not in answers["fillers"])
        for value in (DONE_SOMETHING, WANT_PERSON, STOP, NEVER_MIND, Answer.UNSURE.value, Answer.REFUSED.value):
            if value == STOP:
                if self._stops(words):
                    return value
                continue
            anywhere = [phrase for phrase in answers[value] if " " in phrase or value == Answer.UNSURE]
            if (
                bare in answers[value]
                or plain in answers[value]
                or any(f" {phrase} " in f" {plain} " for phrase in anywhere)
            ):
                return value
        return None

    def _label(self, plain: str, choices: Sequence[Choice]) -> str | None:
        """Return the one choice whose label is part of a short reply that negates nothing."""
        words = plain.split()
        if len(words) > _SHORT_ANSWER or not set(words).isdisjoint(self.tree["answers"]["negations"]):
            return None
        named = {choice.value for choice in choices if len(label := _plain(choice.label)) > 4 and label in plain}
        return named.pop() if len(named) == 1 else None

    def _yes_or_no(self, plain: str) -> str | None:
        answers = self.tree["answers"]
        for phrase, joined in answers["joined"].items():
            plain = re.sub(rf"\b{phrase}\b", joined, plain)
        words = plain.split()
        for value in (Answer.NO.value, Answer.YES.value):
            rule = answers[value]
            if (
                words
                and words[0] in rule["heads"]
                and set(words) <= set(rule["only"])
                and not set(words).isdisjoint(rule["needs"])
            ):
                return value
        return None


@cache
def words_for(language: str) -> Words:
    """Return the words of a language, or English where the script has not been written in it."""
    code = language.lower().split("-")[0]
    code = code if code in LANGUAGES else DEFAULT_LANGUAGE
    tree = yaml.safe_load((_FOLDER / f"{code}.yaml").read_text(encoding="utf-8"))
    return Words(version=tree["version"], language=code, tree=tree)


def clock_time(moment: datetime, zone: str) -> str:
    """Return the hour in the student's zone: '2:14'."""
    local = moment.astimezone(_zone(zone))
    return f"{local.hour}:{local.minute:02d}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(char for char in folded if not unicodedata.combining(char) and char not in "'’`´")
    return " ".join(re.findall(r"[^\W_]+", kept))
