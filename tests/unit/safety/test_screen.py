"""Screening as a whole: layers combine, none fails silently, every part of a long message counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedding.errors import EmbeddingUnavailable
from safety import classifier
from safety.screen import Screener
from safety.types import Category, Mode, PriorTurn, ScreeningContext, Severity

NOTHING = ScreeningContext()
Logits = Mapping[str, NDArray[np.float32]]


class Reader:
    """Says the same of every text, or what `odds` says of it, and keeps a record of what was asked."""

    def __init__(self, odds: Callable[[str], float] = lambda _: -5.0, grade: Severity = Severity.LOW) -> None:
        self.asked: list[str] = []
        self._odds, self._grade = odds, grade

    def __call__(self, texts: Sequence[str]) -> Logits:
        self.asked += texts
        severity = np.zeros((len(texts), len(Severity)), dtype=np.float32)
        severity[:, self._grade.rank] = 20
        category = np.zeros((len(texts), len(Category)), dtype=np.float32)
        category[:, list(Category).index(Category.ABUSE)] = 20
        return {
            "crisis": np.array([self._odds(text) for text in texts], dtype=np.float32),
            "severity": severity,
            "category": category,
        }


@pytest.fixture(scope="module")
def words_only() -> Screener:
    return Screener(None)


def test_without_a_reader_the_words_still_count_and_the_layer_is_named(words_only: Screener) -> None:
    screening = words_only.screen("I want to die", NOTHING)
    assert screening.crisis
    assert screening.degraded == ("classifier",)
    assert not words_only.screen("hello there", NOTHING).clear


def _raises(_: Sequence[str]) -> Logits:
    raise EmbeddingUnavailable("no model")


def _not_a_number(texts: Sequence[str]) -> Logits:
    return {name: np.full_like(values, np.nan) for name, values in Reader()(texts).items()}


def _too_few(texts: Sequence[str]) -> Logits:
    return {name: values[:0] for name, values in Reader()(texts).items()}


@pytest.mark.parametrize("broken", [_raises, _not_a_number, _too_few])
def test_a_reader_that_fails_is_named(broken: Callable[[Sequence[str]], Logits]) -> None:
    screening = Screener(broken).screen("hello", NOTHING)
    assert screening.degraded == ("classifier",)
    assert not screening.clear


@pytest.mark.parametrize("layer", ["_normalizer", "_lexicon", "_turns"])
def test_any_layer_that_breaks_is_named(layer: str) -> None:
    screener = Screener(Reader())

    class Broken:
        def __call__(self, *_: object) -> object:
            raise ValueError("broken")

        read = __call__

    setattr(screener, layer, Broken())
    screening = screener.screen("I want to die", ScreeningContext(prior=(PriorTurn("student", "hi"),)))
    assert screening.degraded
    assert not screening.clear


@pytest.mark.parametrize("text", ["I want to die", "going to jump off the parking garage", "gonna od tonight"])
def test_what_a_rule_finds_in_full_is_asked_about_whatever_the_encoder_says(text: str) -> None:
    screening = Screener(Reader(lambda _: -20.0)).screen(text, NOTHING)
    assert screening.clarify
    assert not screening.crisis


def test_a_short_message_is_read_once() -> None:
    reader = Reader()
    Screener(reader).screen("I can't sleep. It's 3am.", NOTHING)
    assert reader.asked == ["i can't sleep. it's 3am."]


def test_a_long_message_is_read_whole_and_in_windows() -> None:
    reader = Reader()
    Screener(reader).screen("Today was a day like others and I had soup. " * 30, NOTHING)
    assert len(reader.asked[0]) > len(reader.asked[1])
    assert len(reader.asked) > 3


def test_one_window_of_danger_is_enough() -> None:
    screener = Screener(Reader(lambda text: 4.0 if "gone by friday" in text and len(text) < 400 else -5.0))
    text = "Today was a day like others and I had soup. " * 30
    assert screener.screen(text + "They will be glad when I'm gone by Friday. " + text, NOTHING).crisis
    assert not screener.screen(text, NOTHING).crisis


def test_the_conversation_before_is_read_with_the_message() -> None:
    reader = Reader(lambda text: 4.0 if "student: i gave the dog away" in text else -5.0)
    prior = (PriorTurn("student", "I gave the dog away."), PriorTurn("companion", "How was that?"))
    screening = Screener(reader).screen("Peaceful.", ScreeningContext(prior=prior))
    assert screening.crisis
    assert reader.asked[-1] == "student: peaceful. companion: how was that? student: i gave the dog away."


def test_the_notice_that_opens_a_conversation_is_no_context() -> None:
    reader = Reader()
    notice = PriorTurn("companion", "I'm software, an AI. In danger, people answer faster than I do.")
    Screener(reader).screen("My essay is due.", ScreeningContext(prior=(notice, PriorTurn("student", "hi"))))
    assert reader.asked[-1] == "student: my essay is due. student: hi"


def test_what_the_script_took_up_does_not_colour_what_comes_after() -> None:
    reader = Reader(lambda text: 4.0 if "pills" in text else -5.0)
    prior = (
        PriorTurn("student", "I have the pills here", Severity.IMMINENT, Category.SUICIDE),
        PriorTurn("companion", "Are they away now?"),
    )
    screener = Screener(reader)
    assert not screener.screen("My lab is due.", ScreeningContext(prior=prior, mode=Mode.GUARDED)).crisis
    assert screener.screen("My lab is due.", ScreeningContext(prior=prior)).crisis


def test_the_end_of_a_very_long_message_is_read(words_only: Screener) -> None:
    text = "I went to class and had lunch with a friend. " * 2200 + "I'm going to kill myself tonight."
    screening = words_only.screen(text, NOTHING)
    assert screening.severity is Severity.HIGH
    assert screening.evidence[0].quote.startswith("I'm going to kill myself")


def test_evidence_quotes_the_students_own_spelling(words_only: Screener) -> None:
    assert words_only.screen("pls i wanna k1ll mys3lf", NOTHING).evidence[0].quote == "wanna k1ll mys3lf"


@pytest.mark.parametrize("odds", [-20.0, 3.0])
def test_a_plain_yes_to_the_question_counts_whatever_the_encoder_says(odds: float) -> None:
    prior = (PriorTurn("companion", "Do you have a plan to kill yourself?"),)
    screening = Screener(Reader(lambda _: odds)).screen("yes", ScreeningContext(prior=prior))
    assert (screening.crisis, screening.category, screening.severity) == (True, Category.SUICIDE, Severity.HIGH)


def test_a_rule_and_the_encoder_weigh_each_other() -> None:
    said = "I want to die"
    assert Screener(Reader(lambda _: -1.0)).screen(said, NOTHING).crisis
    assert not Screener(Reader(lambda _: -9.0)).screen(said, NOTHING).crisis


def test_the_worst_layer_names_the_severity() -> None:
    screening = Screener(Reader(lambda _: 4.0, Severity.IMMINENT)).screen("I want to die", NOTHING)
    assert (screening.category, screening.severity) == (Category.SUICIDE, Severity.IMMINENT)


def test_what_leaves_the_ordinary_path_is_never_graded_below_it() -> None:
    screening = Screener(Reader(lambda _: 4.0, Severity.LOW)).screen("he does it again", NOTHING)
    assert (screening.category, screening.severity) == (Category.ABUSE, Severity.MODERATE)


def test_guarded_mode_lowers_the_bar() -> None:
    screener = Screener(Reader(lambda _: -0.3))
    assert not screener.screen("hello", NOTHING).crisis
    assert screener.screen("hello", ScreeningContext(mode=Mode.GUARDED)).crisis
    assert screener.screen("hello", ScreeningContext(data_signals=("mood_low_sustained",))).crisis


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_never_raises(text: str) -> None:
    screening = _SCREENER.screen(text, NOTHING)
    assert 0 <= screening.score <= 1
    assert screening.degraded == ()


_SCREENER = Screener(Reader())


def test_a_damaged_model_is_no_layer(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(classifier, "MODEL", tmp_path)
    assert Screener.packaged().screen("my lab is due friday", NOTHING).degraded == ("classifier",)


def test_the_packaged_model_runs_and_knows_plain_words() -> None:
    screener = Screener.packaged()
    assert screener.screen("i want to kill myself", NOTHING).crisis
    assert screener.screen("my lab is due friday", NOTHING).clear
