"""Screening as a whole: layers combine, none fails silently, every part of a long message counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.protocol import Vectors
from safety import screen as module
from safety.screen import Screener
from safety.types import Category, Mode, PriorTurn, ScreeningContext, Severity

NOTHING = ScreeningContext()


class Encoder:
    """Unit vectors that depend on nothing but length, and a record of what was asked."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        vectors[:, 0] = 1
        return vectors


@pytest.fixture(scope="module")
def words_only() -> Screener:
    return Screener(None)


def test_without_an_encoder_the_words_still_count_and_the_layer_is_named(words_only: Screener) -> None:
    screening = words_only.screen("I want to die", NOTHING)
    assert screening.crisis
    assert screening.degraded == ("classifier",)
    assert not words_only.screen("hello there", NOTHING).clear


def test_an_encoder_that_fails_is_named() -> None:
    def broken(texts: Sequence[str]) -> Vectors:
        raise RuntimeError("no model")

    screening = Screener(broken).screen("hello", NOTHING)
    assert screening.degraded == ("classifier",)
    assert not screening.clear


def test_an_encoder_that_returns_no_numbers_is_named() -> None:
    def broken(texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), 384), np.nan, dtype=np.float32)

    assert Screener(broken).screen("hello", NOTHING).degraded == ("classifier",)


@pytest.mark.parametrize("layer", ["_normalizer", "_lexicon", "_turns"])
def test_any_layer_that_breaks_is_named(layer: str) -> None:
    screener = Screener(Encoder())

    class Broken:
        def __call__(self, *_: object) -> object:
            raise ValueError("broken")

        read = __call__

    setattr(screener, layer, Broken())
    screening = screener.screen("I want to die", ScreeningContext(prior=(PriorTurn("student", "hi"),)))
    assert screening.degraded
    assert not screening.clear


def test_one_text_is_embedded_for_a_short_message() -> None:
    encoder = Encoder()
    screening = Screener(encoder).screen("I can't sleep. It's 3am.", NOTHING)
    assert encoder.batches == [["i can't sleep. it's 3am."]]
    assert screening.vector is not None
    assert screening.vector.shape == (384,)


def test_a_long_message_is_embedded_whole_and_in_windows() -> None:
    encoder = Encoder()
    Screener(encoder).screen("Today was a day like others and I had soup. " * 30, NOTHING)
    asked = [text for batch in encoder.batches for text in batch]
    assert len(asked[0]) > len(asked[1])
    assert len(asked) > 3


def test_the_end_of_a_very_long_message_is_read(words_only: Screener) -> None:
    text = "I went to class and had lunch with a friend. " * 2200 + "I'm going to kill myself tonight."
    screening = words_only.screen(text, NOTHING)
    assert screening.severity is Severity.HIGH
    assert screening.evidence[0].quote.startswith("I'm going to kill myself")


def test_evidence_quotes_the_students_own_spelling(words_only: Screener) -> None:
    assert words_only.screen("pls i wanna k1ll mys3lf", NOTHING).evidence[0].quote == "wanna k1ll mys3lf"


def test_the_worst_layer_names_the_severity(words_only: Screener) -> None:
    prior = (PriorTurn("companion", "Do you have a plan to kill yourself?"),)
    screening = words_only.screen("yes", ScreeningContext(prior=prior))
    assert (screening.crisis, screening.category, screening.severity) == (True, Category.SUICIDE, Severity.HIGH)


def test_guarded_mode_lowers_the_bar() -> None:
    screener = Screener(Encoder())
    screener._head = None
    middle = module._Seen(0.4, Category.SUICIDE, Severity.LOW, module.Span(0, 5), np.zeros(384, dtype=np.float32))
    screener._classify = lambda *_: middle  # type: ignore[method-assign]
    limits = screener._settings["classifier"]
    limits.update(crisis=0.5, clarify=0.45)
    assert not screener.screen("hello", NOTHING).crisis
    assert screener.screen("hello", ScreeningContext(mode=Mode.GUARDED)).crisis
    assert screener.screen("hello", ScreeningContext(data_signals=("mood_low_sustained",))).crisis


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_never_raises(text: str) -> None:
    screening = _SCREENER.screen(text, NOTHING)
    assert 0 <= screening.score <= 1
    assert screening.degraded == ()


_SCREENER = Screener(Encoder())


def test_vectors_of_another_encoder_are_never_taken_for_a_verdict() -> None:
    screening = Screener(Encoder(), "another-encoder@1").screen("my lab is due friday", NOTHING)
    assert screening.degraded == ("classifier",)
    assert not screening.clear
