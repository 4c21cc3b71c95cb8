"""The scorer against hand-computed figures and a file of every shape of row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.proportion import wilson
from evals import statistics
from evals.safety import BadRow, as_line, read_rows, report, run, score
from evals.screening_time import messages
from safety.screen import Screener

ROWS = [
    {"id": "a", "text": "I want to die", "crisis": True, "category": "suicide", "severity": "low"},
    {"id": "b", "text": "hello", "crisis": False, "category": "none", "severity": "none"},
    {
        "id": "c",
        "turns": [
            {"role": "user", "content": "i'm going to kill myself tonight"},
            {"role": "assistant", "content": "Thank you for telling me."},
            {"role": "user", "content": "what's for lunch"},
        ],
        "crisis": True,
        "severity": 5,
    },
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n", "utf-8")
    return path


def test_a_conversation_counts_as_its_worst_turn_or_its_last(data: Path) -> None:
    screener, rows = Screener(None), read_rows(data)
    assert [outcome.screening.crisis for outcome in score(rows, screener)] == [True, False, True]
    assert [outcome.screening.crisis for outcome in score(rows, screener, last=True)] == [True, False, False]


def test_lines_hold_exactly_the_promised_keys(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, as_json=True, screener=Screener(None)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["a", "b", "c"]
    assert all(
        set(line) == {"id", "crisis", "clarify", "category", "severity", "score", "evidence", "ms"} for line in lines
    )


def test_the_report_names_misses_rates_and_degradation(data: Path) -> None:
    outcomes = list(score(read_rows(data), Screener(None), last=True))
    text = report(outcomes)
    assert "missed 1" in text
    assert "- c" in text
    assert "0.5000" in text
    assert "DEGRADED" in text
    assert json.loads(as_line(outcomes[0]))["crisis"] is True


def test_a_bad_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n{"id": "b"}\n', "utf-8")
    with pytest.raises(BadRow, match=":2:"):
        read_rows(path)
    assert run(path, as_json=True, screener=Screener(None)) == 2
    assert ":2:" in capsys.readouterr().err


def test_wilson_of_a_known_case() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_ranking_figures() -> None:
    truth = np.array([True, True, False, False])
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    assert statistics.auroc(truth, scores) == 0.875
    assert statistics.recall_at(truth, scores, 0.05) == 0.5
    assert statistics.recall_at(truth, scores, 0.5) == 1.0
    assert statistics.brier(truth, scores) == pytest.approx((0.01 + 0.36 + 0.16 + 0.01) / 4)


def test_kappa_is_one_in_agreement_and_punishes_distance() -> None:
    assert statistics.weighted_kappa([0, 1, 2], [0, 1, 2], 3) == 1
    near = statistics.weighted_kappa([0, 1, 2, 2], [0, 1, 2, 1], 3)
    far = statistics.weighted_kappa([0, 1, 2, 2], [0, 1, 2, 0], 3)
    assert far < near < 1


def test_messages_to_time_are_as_long_as_asked_and_differ() -> None:
    words = [f"word{number % 50}" for number in range(3000)]
    texts = messages(words, 15, 20)
    assert len(set(texts)) > 10
    assert all(4 < len(text.split()) <= 15 for text in texts)
