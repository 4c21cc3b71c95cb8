"""Who answers: pain beats work, unsure asks, and the frozen set keeps its score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.dialogue.intents import Route
from agents.dialogue.understand import Reader
from agents.router import Routing, route
from embedding.onnx import OnnxEmbedder
from safety.types import Mode

FROZEN = Path(__file__).parents[3] / "evals" / "frozen" / "routing.jsonl"
FLOOR = 0.90
"""Macro-F1 that must hold; at the time of writing it was .92 with a 95 % interval of .89 to .95."""


@pytest.fixture
def decide(reader: Reader, encoder: OnnxEmbedder):  # type: ignore[no-untyped-def]  # a closure for the tests below
    def decided(text: str, mode: Mode = Mode.ORDINARY, *, lately_pained: bool = False) -> Routing:
        return route(reader.read(text, encoder.encode([text])[0]), mode, lately_pained=lately_pained)

    return decided


@pytest.mark.parametrize(
    "text",
    [
        "help me plan my week, i'm so overwhelmed i could cry",
        "i can't start my essay, i feel worthless",
        "what's due this week? i'm panicking",
        "i failed the midterm and i'm ashamed",
        "add the lab report to my list, i hate myself for being late",
        "how do i study for chem when i'm this depressed",
    ],
)
def test_pain_and_work_go_to_support(decide, text: str) -> None:  # type: ignore[no-untyped-def]
    assert decide(text).route is Route.SUPPORT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what's due tomorrow", Route.COACH),
        ("help me make a study plan", Route.COACH),
        ("i keep putting off the reading", Route.COACH),
        ("my girlfriend broke up with me", Route.SUPPORT),
        ("log my mood as 4", Route.SUPPORT),
        ("thanks", Route.SMALL_TALK),
        ("are you a real person", Route.SMALL_TALK),
        ("what's the capital of peru", Route.SMALL_TALK),
    ],
)
def test_plain_requests_go_where_they_belong(decide, text: str, expected: Route) -> None:  # type: ignore[no-untyped-def]
    assert decide(text).route is expected


@pytest.mark.parametrize("text", ["hmm", "something happened", "qwrt zzp", "…"])
def test_what_is_unsure_goes_to_support_which_asks(decide, text: str) -> None:  # type: ignore[no-untyped-def]
    assert decide(text).route is Route.SUPPORT


def test_a_guarded_conversation_leaves_support_for_plain_commands_only(decide) -> None:  # type: ignore[no-untyped-def]
    assert decide("tell me a joke", Mode.GUARDED).route is Route.SUPPORT
    assert decide("help me make a study plan", Mode.GUARDED).route is Route.SUPPORT
    assert decide("what's due tomorrow", Mode.GUARDED).route is Route.COACH


def test_chatter_after_pain_stays_with_support(decide) -> None:  # type: ignore[no-untyped-def]
    assert decide("i send them only nice photos", lately_pained=True).route is Route.SUPPORT


def test_without_an_embedding_patterns_and_pain_still_route(reader: Reader) -> None:
    assert route(reader.read("what's due tomorrow", None), Mode.ORDINARY).route is Route.COACH
    assert route(reader.read("i feel so lonely", None), Mode.ORDINARY).route is Route.SUPPORT
    assert route(reader.read("blah", None), Mode.ORDINARY).route is Route.SUPPORT


def test_the_frozen_set_keeps_its_score(reader: Reader, encoder: OnnxEmbedder) -> None:
    rows = [json.loads(line) for line in FROZEN.read_text(encoding="utf-8").splitlines()]
    vectors = encoder.encode([row["text"] for row in rows])
    pairs = [
        (row["route"], route(reader.read(row["text"], vector), Mode.ORDINARY).route.value.replace("_", ""))
        for row, vector in zip(rows, vectors, strict=True)
    ]
    assert sum(_f1(pairs, name) for name in ("support", "coach", "smalltalk")) / 3 >= FLOOR


def _f1(pairs: list[tuple[str, str]], name: str) -> float:
    both = sum(wanted == got == name for wanted, got in pairs)
    either = sum((wanted == name) + (got == name) for wanted, got in pairs)
    return 2 * both / either
