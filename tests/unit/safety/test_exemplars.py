"""The exemplars teach what the model on disk learned, and nothing that judges it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import corpus
from evals.train import frozen_texts
from safety.classifier import MODEL
from safety.exemplars import Exemplar, digest, load_calibration, load_exemplars
from safety.near import near_duplicates
from safety.types import Category, PriorTurn, Severity

FROZEN = Path(__file__).parents[3] / "evals" / "frozen" / "safety"


@pytest.fixture(scope="module")
def exemplars() -> list[Exemplar]:
    return load_exemplars()


def test_the_model_was_trained_from_these_exemplars(exemplars: list[Exemplar]) -> None:
    facts = json.loads((MODEL / "facts.json").read_text("utf-8"))
    assert facts["sha256"] == digest(exemplars)
    assert facts["calibration_sha256"] == digest(load_calibration())


def test_harmless_lines_are_at_least_as_many_as_dangerous_ones(exemplars: list[Exemplar]) -> None:
    harmless = sum(exemplar.category is Category.NONE for exemplar in exemplars)
    assert harmless >= len(exemplars) - harmless > 3000
    found = {exemplar.category for exemplar in exemplars}
    assert found == set(Category)


def test_no_exemplar_is_nearly_a_text_that_judges(exemplars: list[Exemplar]) -> None:
    judges = [*frozen_texts(FROZEN), *(exemplar.text for exemplar in load_calibration())]
    assert [exemplars[index].text for index in near_duplicates([e.text for e in exemplars], judges)] == []


LINES = [
    Exemplar("I want to die", Category.SUICIDE, Severity.LOW, "plain"),
    *(Exemplar(f"my lab {number} is due", Category.NONE, Severity.NONE, "plain") for number in range(40)),
    Exemplar(
        "ok",
        Category.NONE,
        Severity.NONE,
        "talk",
        (
            PriorTurn("student", "hi"),
            PriorTurn("companion", "How are you?"),
            PriorTurn("student", "bye"),
            PriorTurn("companion", "Leaving already?"),
        ),
    ),
]


def test_a_disguise_keeps_the_label_and_the_words_that_earn_it() -> None:
    rows = corpus.rows(LINES)
    assert len(rows) > len(LINES)
    assert all(row.crisis for row in rows if "want to die" in row.text)
    assert not any(row.crisis for row in rows if "lab" in row.text and "die" not in row.text)


def test_the_same_seed_gives_the_same_rows() -> None:
    assert corpus.rows(LINES) == corpus.rows(LINES)
    assert corpus.rows(LINES) != corpus.rows(LINES, seed=1)
    assert len(corpus.rows(LINES, seed=None)) == len(LINES)


def test_a_line_said_in_a_talk_follows_a_turn_of_the_companion() -> None:
    texts = [row.text for row in corpus.rows(LINES) if row.text.startswith("student: my lab")]
    assert texts
    assert all(" companion: " in text and " student: hi" in text for text in texts)
