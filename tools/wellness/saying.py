"""The words of analytics, from `words.yaml`, and how figures look in a sentence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return found


def word(name: str) -> Any:
    """Return a word or a list of words by name."""
    return _words()[name]


def say(key: str, **values: object) -> str:
    """Return the sentence under `group.name` with its values; raises `KeyError` for one that is not in the file."""
    group, name = key.split(".")
    text: str = _words()[group][name]
    return text.format(**values)


def figure(value: float) -> str:
    """One decimal, without a zero behind the point."""
    return f"{value:.1f}".removesuffix(".0")


def signed(value: float) -> str:
    """One decimal with its sign; zero has none."""
    text = figure(abs(value))
    return text if text == "0" else f"{'+' if value > 0 else '−'}{text}"
