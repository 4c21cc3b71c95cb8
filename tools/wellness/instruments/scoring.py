"""Totals by the published rules: sums, missing answers, bands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.wellness.instruments.answers import Answer
from tools.wellness.instruments.definition import Band, Definition, Watch


@dataclass(frozen=True, slots=True)
class Score:
    """A total."""

    value: int | None
    """None: too many answers are missing."""
    missing: int
    band: str | None


def score(made: Definition, answers: Mapping[str, Answer]) -> Score | None:
    """Return the total of a questionnaire; None for a log that has none.

    A missing answer counts as the mean of those given, as far as the rules allow any to be missing; the total is rounded
    to a whole number, half upward, since the bands are whole numbers.
    """
    rules = made.scoring
    if rules is None:
        return None
    given = [float(value) for name in rules.items if isinstance(value := answers.get(name), int | float)]
    missing = len(rules.items) - len(given)
    if missing > rules.most_missing or not given:
        return Score(None, missing, None)
    total = sum(given) + missing * sum(given) / len(given)
    value = int(total * rules.times + 0.5)
    found = band_of(made, value)
    return Score(value, missing, found.id if found else None)


def band_of(made: Definition, value: float) -> Band | None:
    """Return the band of a total; None where there are none."""
    return next((band for band in made.bands if value <= band.to), None)


def watched(made: Definition, answers: Mapping[str, Answer]) -> Watch | None:
    """Return the first watch that an answer meets, whether there is a total or not."""
    for watch in made.watches:
        value = answers.get(watch.item)
        if isinstance(value, int | float) and value > watch.above:
            return watch
    return None


def is_poor(made: Definition, answers: Mapping[str, Answer]) -> bool:
    """Whether the entry counts as a poor one by the definition."""
    return any(isinstance(value := answers.get(poor.item), int | float) and value < poor.below for poor in made.poor)
