"""Windows see all of a message, however long, and never more than an encoder can."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safety.windows import LIMIT_WORDS, sentences, windows


def test_a_short_message_is_one_window() -> None:
    text = "I can't sleep. It's 3am again."
    assert [text[span.start : span.end] for span in windows(text)] == [text]


def test_an_empty_message_has_none() -> None:
    assert windows(" \n ") == []


def test_the_last_sentence_of_a_long_message_is_seen() -> None:
    text = "Today was an ordinary day with classes and lunch. " * 60 + "Tonight I will end my life."
    assert any("end my life" in text[span.start : span.end] for span in windows(text))


def test_no_part_of_a_huge_message_is_skipped() -> None:
    text = "word " * 12_000 + "I will end my life. " + "word " * 12_000
    spans = windows(text)
    seen = bytearray(len(text))
    for span in spans:
        seen[span.start : span.end] = b"\1" * (span.end - span.start)
    assert all(mark or character.isspace() for mark, character in zip(seen, text, strict=True))
    assert max(len(text[span.start : span.end].split()) for span in spans) <= LIMIT_WORDS


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
