"""Prompts keep their budgets, and what a model is sent has an upper end."""

from __future__ import annotations

import pytest

from agents.budget import tokens
from agents.prompts import FOLDER, prompt


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.md")))
def test_a_prompt_has_a_version_and_keeps_its_budget(name: str) -> None:
    loaded = prompt(name)
    assert loaded.version
    assert loaded.text


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("", 0),
        ("hello world", 2),
        ("antidisestablishmentarianism", 6),
        ("2026-11-19T15:00:00", 10),
        ("!!!???", 3),
        ("मैं ठीक हूँ", 8),
        ("我很难过", 4),
        ("🙂🙂", 2),
    ],
)
def test_the_count_is_never_too_low(text: str, least: int) -> None:
    """`least` is what byte-pair vocabularies in use need at the very least."""
    assert tokens(text) >= least
