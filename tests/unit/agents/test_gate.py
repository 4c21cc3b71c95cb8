"""Nothing leaves the gate that was not reviewed; markers become citations."""

from __future__ import annotations

import pytest

from agents.gate import Gate
from agents.state import CitedPassage, ReviewedSentence, TurnEvent

BREATHING = CitedPassage("paced-breathing#try-this-now", "Paced breathing", "Try this now", True)
SLEEP = CitedPassage("sleep#why", "Sleep", "Why", True)


class Heard:
    """A gate and what came out of it."""

    def __init__(self) -> None:
        self.events: list[TurnEvent] = []
        self.gate = Gate(self.events.append, "en")

    @property
    def text(self) -> str:
        return "".join(e.text + e.ends for e in self.events if isinstance(e, ReviewedSentence)).strip()

    @property
    def cited(self) -> list[str]:
        return [event.anchor for event in self.events if isinstance(event, CitedPassage)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_sentences_come_whole_however_the_draft_was_cut(heard: Heard, size: int) -> None:
    draft = "That's a hard grade. What happened?\n1. Open the file.\n2. Write one line."
    for start in range(0, len(draft), size):
        heard.gate.feed(draft[start : start + size])
    heard.gate.close()
    assert heard.text == draft
    assert heard.gate.said == ["That's a hard grade.", "What happened?", "1. Open the file.", "2. Write one line."]


def test_an_unfinished_sentence_waits_and_can_be_dropped(heard: Heard) -> None:
    heard.gate.feed("One is whole. The other bro")
    heard.gate.drop()
    heard.gate.close()
    assert heard.text == "One is whole."


@pytest.mark.parametrize(
    "unsafe",
    [
        "You clearly have bipolar disorder.",
        "Stop taking your medication tonight.",
        "I'm a real person and I love you.",
        "I told your counselor and she is on her way.",
    ],
)
def test_what_fails_review_is_replaced(heard: Heard, unsafe: str) -> None:
    heard.gate.feed(f"That sounds heavy. {unsafe} What else?")
    heard.gate.close()
    assert unsafe not in heard.text
    assert heard.text.startswith("That sounds heavy.")


def test_an_unsafe_sentence_cut_in_pieces_is_replaced_too(heard: Heard) -> None:
    for letter in "You clearly have bipolar disorder. ":
        heard.gate.feed(letter)
    heard.gate.close()
    assert "bipolar" not in heard.text


def test_a_marker_becomes_the_citation_behind_its_sentence(heard: Heard) -> None:
    number = heard.gate.offer(BREATHING)
    heard.gate.feed(f"Breathe out slowly [{number}]. Again [{number}]. Ready?")
    heard.gate.close()
    assert heard.text == "Breathe out slowly. Again. Ready?"
    assert heard.cited == [BREATHING.anchor]
    assert [type(event).__name__ for event in heard.events[:2]] == ["ReviewedSentence", "CitedPassage"]


def test_only_passages_that_were_found_can_be_cited(heard: Heard) -> None:
    heard.gate.offer(BREATHING)
    heard.gate.feed("As shown [2], and [7]. Fine.")
    heard.gate.close()
    assert heard.cited == []
    assert "[" not in heard.text


def test_a_passage_keeps_its_number(heard: Heard) -> None:
    assert [heard.gate.offer(passage) for passage in (BREATHING, SLEEP, BREATHING)] == [1, 2, 1]
