"""The named feelings that a mood entry may carry, from `emotions.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from core.errors import InvalidInput

_FILE = Path(__file__).with_name("emotions.yaml")


@dataclass(frozen=True, slots=True)
class Emotion:
    """One feeling by name."""

    id: str
    label: str
    pleasant: bool
    lively: bool


@cache
def emotions() -> dict[str, Emotion]:
    """Read the packaged feelings, by id."""
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: Emotion(name, **known) for name, known in data["emotions"].items()}


EMOTIONS = tuple(emotions())


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names once each, in order; raises `InvalidInput` for one that is not in the file."""
    if set(names) - set(EMOTIONS):
        raise InvalidInput(f"Unknown emotions. Choose from: {', '.join(EMOTIONS)}.")
    return tuple(dict.fromkeys(names))
