"""A second opinion is read strictly and can only raise, whatever it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety import opinion as opinions
from safety.opinion import LAYER, Level, Opinion, raised_by, read_opinion
from safety.types import Category, Screening, Severity
from tests.mutation import seed

WORDS = "honestly everyone would breathe easier   without me around"
PASSED = Screening(False, False, Category.NONE, Severity.NONE, 0.1, (), "screen-1")
ASKED = replace(PASSED, clarify=True, category=Category.SUICIDE, severity=Severity.LOW)
SOURCE = "opinion:1:openai:simulated"


def reply(**changes: Any) -> str:
    fields = {"level": "crisis", "category": "suicide", "severity": "moderate", "quote": "breathe easier without me"}
    return orjson.dumps(fields | changes).decode()


def test_an_opinion_is_read_with_or_without_text_around_it() -> None:
    found = Opinion(Level.CRISIS, Category.SUICIDE, Severity.MODERATE, "breathe easier without me")
    assert read_opinion(reply(), WORDS) == found
    assert read_opinion(f"Here it is:\n```json\n{reply()}\n```", WORDS) == found
    assert read_opinion(reply(level="none", category="none", severity="none", quote=""), WORDS).level is Level.NONE


@pytest.mark.parametrize(
    "garbage",
    [
        "", "none", "I cannot help with that.", "{}", "[]", "{broken", reply(level="fine"), reply(category="sadness"),
        reply(severity="worst"), reply(severity="none"), reply(category="none"), reply(quote=""), reply(quote="other words"),
        reply(more="field"), reply(level=None), reply(quote=7), reply() + "x" * 5000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_opinion(garbage: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_opinion(garbage, WORDS)


def test_it_raises_what_passed_and_keeps_evidence_and_version() -> None:
    raised = raised_by(PASSED, read_opinion(reply(), WORDS), SOURCE)
    assert raised is not None and raised.crisis and raised.severity is Severity.MODERATE
    assert raised.version == f"screen-1/{SOURCE}"
    [evidence] = raised.evidence
    assert (evidence.layer, evidence.rule, evidence.quote) == (LAYER, "suicide.moderate", "breathe easier without me")
    asked = raised_by(PASSED, read_opinion(reply(level="clarify"), WORDS), SOURCE)
    assert asked is not None and asked.clarify and not asked.crisis


@pytest.mark.parametrize("first", [PASSED, ASKED])
def test_none_changes_nothing(first: Screening) -> None:
    assert raised_by(first, Opinion(Level.NONE, Category.NONE, Severity.NONE, ""), SOURCE) is None


verdicts = st.builds(
    replace,
    st.sampled_from([PASSED, ASKED]),
    severity=st.sampled_from(Severity),
    category=st.sampled_from(Category),
)
given_opinions = st.builds(
    Opinion, st.sampled_from(Level), st.sampled_from(Category), st.sampled_from(Severity), st.just("me")
)


@given(first=verdicts, opinion=given_opinions)
def test_no_opinion_lowers_anything(first: Screening, opinion: Opinion) -> None:
    raised = raised_by(first, opinion, SOURCE)
    if raised is None:
        return
    assert (raised.crisis, raised.clarify) > (first.crisis, first.clarify)
    assert raised.severity.rank >= first.severity.rank
    assert set(first.evidence) <= set(raised.evidence)


def test_an_opinion_that_lowers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, raised_by, "highest(screening.severity, opinion.severity)", "opinion.severity")
    with pytest.raises(AssertionError):
        test_no_opinion_lowers_anything()


def test_a_raise_that_raises_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, raised_by, "> (screening.crisis", ">= (screening.crisis")
    with pytest.raises(AssertionError):
        test_no_opinion_lowers_anything()


def test_words_that_nobody_said_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, opinions.read_opinion, "_plain(opinion.quote) not in _plain(words)", "False")
    with pytest.raises(pytest.fail.Exception):
        test_what_cannot_be_read_is_no_opinion(reply(quote="other words"))
