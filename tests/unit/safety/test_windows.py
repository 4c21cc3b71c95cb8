"""Windows see all of a message, however long, and never more than an encoder can."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from safety.windows import MAX_WINDOWS, sentences, windows


def test_a_short_message_is_one_window() -> None:
    text = "I can't sleep. It's 3am again."
    assert [text[span.start : span.end] for span in windows(text)] == [text]


def test_an_empty_message_has_none() -> None:
    assert windows(" \n ") == []


def test_the_last_sentence_of_a_long_message_is_seen() -> None:
    text = "Today was an ordinary day with classes and lunch. " * 60 + "Tonight I will end my life."
    assert any("end my life" in text[span.start : span.end] for span in windows(text))


def test_windows_are_bounded_and_reach_from_head_to_tail() -> None:
    text = "word " * 25_000
    spans = windows(text)
    assert len(spans) == MAX_WINDOWS
    assert spans[0].start == 0
    assert spans[-1].end == len(text.rstrip())
    gaps = [after.start - before.end for before, after in pairwise(spans)]
    assert max(gaps) < len(text) / (MAX_WINDOWS / 2)


@given(st.text(alphabet="ab .!?\n。", max_size=3000))
def test_sentences_cover_every_word(text: str) -> None:
    covered = "".join(text[span.start : span.end] for span in sentences(text))
    assert "".join(covered.split()) == "".join(text.split())


@given(st.text(alphabet="ab .!?\n", max_size=2000))
def test_windows_cover_every_word_of_a_message_of_ordinary_length(text: str) -> None:
    seen: set[int] = set()
    for span in windows(text):
        seen |= set(range(span.start, span.end))
    assert all(index in seen for index, character in enumerate(text) if not character.isspace())
