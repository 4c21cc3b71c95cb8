"""The frozen test sets are what the manifest says: unchanged, well labelled, without repeats."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safety.types import Category, Severity

FROZEN = Path(__file__).parents[2] / "evals" / "frozen"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FROZEN / "manifest.json").read_text(encoding="utf-8"))["files"]

Row = dict[str, Any]


def load(name: str) -> list[Row]:
    # JSON Lines end at "\n" alone: str.splitlines would also cut at separators inside a text.
    return [json.loads(line) for line in (FROZEN / name).read_text(encoding="utf-8").split("\n") if line]


def words(row: Row) -> str:
    """What makes a row the same row: its text or whole conversation, without case and spacing."""
    said = [row["text"]] if "text" in row else [f"{turn['role']}: {turn['content']}" for turn in row["turns"]]
    return "\n".join(" ".join(part.casefold().split()) for part in said)


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def is_valid(row: Row) -> bool:
    """Whether a safety row has one kind of content and labels that agree with each other."""
    turns = row.get("turns", [])
    content = [row["text"]] if "text" in row else [turn["content"] for turn in turns]
    calm = (row["category"], row["severity"]) == ("none", "none")
    return (
        ("text" in row) != ("turns" in row)
        and bool(content)
        and all(part.strip() for part in content)
        and all(turn["role"] in {"student", "companion"} for turn in turns)
        and (not turns or turns[-1]["role"] == "student")
        and isinstance(row["crisis"], bool)
        and row["category"] in set(Category)
        and row["severity"] in set(Severity)
        and (row["crisis"] or calm)
        and (not row["crisis"] or "none" not in {row["category"], row["severity"]})
        and bool(row["style"])
    )


@pytest.mark.parametrize("name", MANIFEST)
def test_file_is_unchanged(name: str) -> None:
    assert hashlib.sha256((FROZEN / name).read_bytes()).hexdigest() == MANIFEST[name]["sha256"]


@pytest.mark.parametrize("name", MANIFEST)
def test_counts_are_true(name: str) -> None:
    rows = load(name)
    assert len(rows) == MANIFEST[name]["rows"]
    if "crisis" in MANIFEST[name]:
        assert sum(row["crisis"] for row in rows) == MANIFEST[name]["crisis"]


def test_ids_are_unique_over_all_files() -> None:
    assert repeated([row["id"] for name in MANIFEST for row in load(name)]) == []


@pytest.mark.parametrize("folder", sorted({str(Path(name).parent) for name in MANIFEST}))
def test_no_row_repeats_within_a_folder(folder: str) -> None:
    rows = [row for name in MANIFEST if str(Path(name).parent) == folder for row in load(name)]
    assert repeated([words(row) for row in rows]) == []


@pytest.mark.parametrize("name", [name for name in MANIFEST if name.startswith("safety/")])
def test_labels_are_valid(name: str) -> None:
    assert [row["id"] for row in load(name) if not is_valid(row)] == []


SOUND: Row = {"id": "x", "text": "hello", "crisis": False, "category": "none", "severity": "none", "style": "plain"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row | {"crisis": True},
        lambda row: row | {"category": "suicide"},
        lambda row: row | {"crisis": True, "category": "suicide", "severity": "severe"},
        lambda row: row | {"crisis": True, "category": "sadness", "severity": "low"},
        lambda row: row | {"crisis": "false"},
        lambda row: row | {"text": "  "},
        lambda row: row | {"turns": [{"role": "student", "content": "hello"}]},
    ],
)
def test_a_spoiled_row_is_noticed(spoil: Callable[[Row], Row]) -> None:
    assert is_valid(SOUND)
    assert not is_valid(spoil(SOUND))


def test_a_repeat_is_noticed_in_other_case_and_spacing() -> None:
    assert repeated([words(SOUND), words(SOUND | {"text": " Hello  "})]) == ["hello"]
