"""What an entry and a stretch of entries say, in sentences: totals explained, never a diagnosis. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tools.wellness.instruments.definition import Definition, Item, ItemKind
from tools.wellness.instruments.entries import Entry
from tools.wellness.instruments.scoring import band_of
from tools.wellness.saying import figure
from tools.wellness.statistics import theil_sen

LEAST_FOR_TREND = 7
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Line:
    """What one item, or the total, did over a stretch."""

    item: str
    label: str
    n: int
    mean: float | None
    latest: float | None
    counts: dict[str, int]
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A stretch of entries."""

    days: int
    n: int
    lines: tuple[Line, ...]
    text: str


def explain(made: Definition, entry: Entry, earlier: Entry | None, official: str | None = None) -> list[str]:
    """Say what an entry's total means, what was missing, how it compares with the entry before; [] for a log.

    `official` names the source of the wording where the campus loaded its own.
    """
    scored, rules = entry.score, made.scoring
    if scored is None or rules is None:
        return []
    said = []
    values = {"missing": scored.missing, "items": len(rules.items)}
    if scored.value is None:
        said.append(_say("too_many_missing" if scored.missing < len(rules.items) else "nothing", **values))
        return [*said, _say("not_a_diagnosis")]
    said.append(_say("score", score=scored.value, unit=rules.unit))
    if scored.missing:
        said.append(_say("filled", **values))
    band = band_of(made, scored.value)
    if band is not None:
        said.append(band.text)
    if earlier is not None and earlier.score is not None and earlier.score.value is not None:
        said.append(_compare(made, scored.value, earlier.score.value, earlier.day))
    wording = _say("official_wording", source=official) if official else _say("own_wording")
    return [*said, _say("not_a_diagnosis"), wording]


def summarise(made: Definition, entries: Sequence[Entry], days: int) -> Summary:
    """Describe entries, newest first: every number with its mean and range, choices with how often, no words."""
    ordered = list(reversed(entries))
    lines = [line for item in made.items if (line := _line(item, ordered)) is not None]
    if made.scoring is not None:
        totals = [
            (entry.day, float(entry.score.value)) for entry in ordered if entry.score and entry.score.value is not None
        ]
        if totals:
            lines.insert(0, _figures("total", f"Total ({made.scoring.unit})", totals))
    key = "shown" if entries else "none"
    return Summary(days, len(entries), tuple(lines), _words()["summary"][key].format(n=len(entries), days=days))


def readable(made: Definition, entry: Entry) -> list[tuple[str, str]]:
    """Each answer with its question, in words; questions that are gone by now are left out."""
    return [(item.ask, _shown(item, entry.answers[item.id])) for item in made.items if item.id in entry.answers]


def _shown(item: Item, value: Any) -> str:
    if item.kind is ItemKind.YES_NO:
        return "Yes" if value else "No"
    if item.kind is ItemKind.MANY:
        return ", ".join(item.label_of(entry) for entry in value)
    if item.options:
        return item.label_of(value)
    return f"{value} {item.unit}".strip()


def _compare(made: Definition, value: int, before: int, day: date) -> str:
    named = f"{day:%b} {day.day}"
    if value == before:
        return _say("same", day=named)
    rule = made.notable_change
    if rule is None:
        return _say("plain_change", before=before, day=named)
    key = "change" if abs(value - before) >= rule.points else "small_change"
    return _say(key, before=before, day=named, points=rule.points)


def _line(item: Item, ordered: Sequence[Entry]) -> Line | None:
    given = [(entry.day, entry.answers[item.id]) for entry in ordered if item.id in entry.answers]
    if not given or item.kind.words or item.kind is ItemKind.TIME:
        return None
    if item.kind.counts:
        return _figures(
            item.id, item.ask, [(day, float(value)) for day, value in given if isinstance(value, int | float)]
        )
    counts: Counter[str] = Counter()
    for _, value in given:
        shown = (
            value if isinstance(value, list) else ["yes" if value is True else "no" if value is False else str(value)]
        )
        counts.update(item.label_of(entry) for entry in shown)
    named = ", ".join(f"{label} ({n})" for label, n in counts.most_common(MOST_NAMED))
    text = _words()["summary"]["counts"].format(label=item.ask.rstrip("?"), named=named)
    return Line(item.id, item.ask, len(given), None, None, dict(counts), text)


def _figures(name: str, label: str, given: Sequence[tuple[date, float]]) -> Line:
    values = np.array([value for _, value in given])
    mean, words = float(values.mean()), _words()["summary"]
    shown = {"label": label.rstrip("?"), "mean": figure(mean), "n": len(given)}
    text = words["one" if len(given) == 1 else "figure"].format(
        **shown, low=figure(float(values.min())), high=figure(float(values.max()))
    )
    direction = _direction(given)
    if direction:
        text = f"{text} {words[direction].format(n=len({day for day, _ in given}))}"
    return Line(name, label, len(given), mean, float(values[-1]), {}, text)


def _direction(given: Sequence[tuple[date, float]]) -> str | None:
    """`up` or `down` where the slope over days is clear; several values of a day count as their mean."""
    days: dict[date, list[float]] = {}
    for day, value in given:
        days.setdefault(day, []).append(value)
    if len(days) < LEAST_FOR_TREND:
        return None
    first = min(days)
    ordered = sorted(days)
    found = theil_sen(
        np.array([(day - first).days for day in ordered], dtype=float),
        np.array([float(np.mean(days[day])) for day in ordered]),
    )
    return None if not found.clear else "up" if found.value > 0 else "down"


def _say(key: str, **values: object) -> str:
    text: str = _words()["result"][key]
    return text.format(**values)


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return found
