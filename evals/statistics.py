"""Figures with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.proportion import Interval

Floats = NDArray[np.float64]


def bootstrap(measure: Callable[[NDArray[np.intp]], float], size: int, rounds: int = 500, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of a figure over resampled row indices; undefined rounds are left out."""
    random = np.random.default_rng(seed)
    values = [measure(random.integers(0, size, size)) for _ in range(rounds)] if size else []
    defined = [value for value in values if math.isfinite(value)]
    if not defined:
        return math.nan, math.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def weighted_kappa(first: ArrayLike, second: ArrayLike, grades: int) -> float:
    """Return Cohen's kappa with quadratic weights of two gradings on 0 to `grades` - 1; nan when chance explains all."""
    observed = np.zeros((grades, grades))
    np.add.at(observed, (np.asarray(first), np.asarray(second)), 1)
    steps = np.arange(grades)
    weights = (steps[:, None] - steps[None, :]) ** 2
    expected = np.outer(observed.sum(1), observed.sum(0)) / max(observed.sum(), 1)
    chance = float((weights * expected).sum())
    return 1 - float((weights * observed).sum()) / chance if chance else math.nan


def auroc(truth: NDArray[np.bool_], scores: Floats) -> float:
    """Return the chance that a positive outranks a negative, ties half; nan without both."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return math.nan
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def recall_at(truth: NDArray[np.bool_], scores: Floats, false_positives: float) -> float:
    """Return the best recall of a threshold whose false positive rate is at most the given one; nan without both."""
    if truth.all() or not truth.any():
        return math.nan
    calm = np.sort(scores[~truth])[::-1]
    allowed = math.floor(false_positives * len(calm) + 1e-9)
    bar = calm[allowed] if allowed < len(calm) else -math.inf
    return float((scores[truth] > bar).mean())


def brier(truth: NDArray[np.bool_], scores: Floats) -> float:
    """Return the mean squared distance of probability and outcome."""
    return float(((scores - truth) ** 2).mean())


def calibration_error(truth: NDArray[np.bool_], scores: Floats, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [
        abs(float(scores[place == index].mean()) - float(truth[place == index].mean())) * float((place == index).mean())
        for index in range(bins)
        if (place == index).any()
    ]
    return sum(gaps)
