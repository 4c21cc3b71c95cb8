"""The console's words for the protocol's values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from safety.triage.words import words_for

Words = Mapping[str, Mapping[str, str]]


@cache
def console_words() -> Words:
    """Read the packaged words once: kind -> value -> what a counselor reads."""
    words: Words = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return words


@cache
def button_words() -> Mapping[str, str]:
    """Value that a tap on a button sent -> what the student read on it."""
    tree = words_for("en").tree
    own = [item["labels"] for item in tree["items"].values() if "labels" in item]
    return {str(value): str(label) for labels in (*own, tree["choices"]) for value, label in labels.items()}


def word(kind: str, value: str) -> str:
    """Return the word for a value; the bare value where a newer part of the service wrote one that has none."""
    return console_words()[kind].get(value, value.replace("_", " "))
