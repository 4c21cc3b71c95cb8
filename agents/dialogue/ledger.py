"""What the conversation so far says about the next move: what was asked, offered, said, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from agents.dialogue.phrases import Phrasebook, Said, normal, read_data, sentences_of
from agents.dialogue.situation import Situation
from agents.dialogue.topics import Happening, Topic
from agents.dialogue.understand import Reader, Recollection
from agents.state import PastMessage

OURS = ("companion", "script")
PENDING = (
    "mood_ask_number", "mood_range", "mood_none", "task_title_ask", "task_which", "task_offer", "done_offer",
    "plan_capture", "work_or_feeling", "offer_choice", "offer_skill", "offer_library", "skill_failed_ask", "skill_after", "start_ask",
    "plan_ask_list", "graded_problem_ask", "medical_ask", "medical_meds_ask", "due_ask", "people_point", "nothing_for_pain", "good_news", "lines_ask", "ask_scale",
)  # fmt: skip
"""Acts whose answer is read in their light."""


HEARING = ("ask_open", "ask_deeper", "feel_unnamed", "more_of_it", "dont_know")
OFFERS = ("offer_choice", "offer_skill", "offer_library")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The conversation so far, as the planner needs it."""

    said: Said
    last: str
    """The companion's previous message, or empty."""
    pending: str | None
    """The act of the previous message that waits for an answer."""
    last_skill: str | None
    """Title of the page that one of the last three replies took steps from."""
    earlier: tuple[Recollection, ...]
    """Earlier messages of the student, oldest first."""
    hurting: int
    """How many messages came since the student first told of trouble, that one included; 0 when there was none."""
    heard: int
    """How many messages were taken in already, as trouble or by how they were answered."""
    offered_lately: bool
    """One of the last four replies offered something to try."""
    questions_in_a_row: int
    quiet: bool
    """The student asked for fewer questions."""
    listening: bool
    """The student asked to be heard only."""

    @property
    def topic(self) -> Topic | None:
        """What the last two messages named, else what the conversation is mostly about."""
        recent = [reading.topic for reading in self.earlier[-2:] if reading.topic]
        if recent:
            return recent[-1]
        named = [reading.topic for reading in self.earlier if reading.topic]
        return max(named, key=lambda topic: (named.count(topic), -named.index(topic))) if named else None

    @property
    def latest(self) -> str:
        """The student's previous message, or empty."""
        return self.earlier[-1].text if self.earlier else ""

    @property
    def opening(self) -> str:
        """The first word of the previous message, which the next one does not take up."""
        return opening_of(self.last)

    def happenings(self) -> tuple[Happening, ...]:
        """What the student told of earlier, each event once."""
        found = {event.name: event for reading in self.earlier for event in reading.happenings}
        return tuple(found.values())


def read_ledger(situation: Situation, reader: Reader, book: Phrasebook) -> Ledger:
    """Read the window. Its length bounds the cost; only the latest ten of the student are read again."""
    ours = [message.text for message in situation.history if message.author in OURS]
    theirs = [message for message in situation.history if message.author == "student"][-10:]
    readings = tuple(reader.recall(message.text) for message in theirs)
    last = ours[-1] if ours else ""
    return Ledger(
        Said([*ours, *situation.already_said]),
        last,
        book.act_of(last, PENDING) if last else None,
        _last_skill(ours[-3:]),
        readings,
        _since_trouble(readings),
        max(_since_trouble(readings), sum(book.act_of(message, HEARING) is not None for message in ours[-10:])),
        any(book.act_of(message, OFFERS) for message in ours[-4:]),
        _questions_in_a_row(ours),
        _asked(theirs[-3:], "quiet"),
        _asked(theirs[-4:], "listen"),
    )


def opening_of(text: str) -> str:
    """The first word in comparable form."""
    return normal(text).partition(" ")[0]


@cache
def short_answers() -> dict[str, re.Pattern[str]]:
    """The patterns of `data/replies.yaml`."""
    return {name: re.compile(pattern) for name, pattern in read_data("replies.yaml")["replies"].items()}


def answers(name: str, text: str) -> re.Match[str] | None:
    """Match one of the short answers against a message."""
    return short_answers()[name].search(text.lower().replace("’", "'").strip())


def _since_trouble(readings: tuple[Recollection, ...]) -> int:
    first = next((index for index, reading in enumerate(readings) if reading.trouble), len(readings))
    return len(readings) - first


def _asked(messages: list[PastMessage], name: str) -> bool:
    return any(len(message.text) < 80 and answers(name, message.text) for message in messages)


def _questions_in_a_row(ours: list[str]) -> int:
    count = 0
    for message in reversed(ours):
        if not any(sentence.rstrip('”"').endswith("?") for sentence in sentences_of(message)):
            break
        count += 1
    return count


def _last_skill(ours: list[str]) -> str | None:
    titles = [
        match[1]
        for message in ours
        for match in re.finditer(r"“([^”]+)”", message)
        if match[1] not in ("next", "I don't know")
    ]
    return titles[-1] if titles else None
