"""The few statistics that analytics rest on: rank-based, with intervals, for short and uneven series.

All intervals are 95 %. Ranks are used because a score from 1 to 10 is an order, not a measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
SHUFFLES = 499
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval and the number of observations it rests on."""

    value: float
    low: float
    high: float
    n: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def theil_sen(x: Array, y: Array) -> Estimate:
    """Slope of y over x: the median of all pairwise slopes, with Sen's interval (Sen 1968).

    `x` must be increasing, shape (n,), n >= 3. Days resemble the day before; the variance is widened for that by the
    effective number of observations (lag-1 autocorrelation of what the slope leaves), as Hamed and Rao (1998) do.
    """
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    slope = float(np.median(slopes))
    half = Z * math.sqrt(_kendall_variance(y) * _inflation(y - slope * x))
    rank = (len(slopes) - half) / 2
    low = slopes[max(0, math.floor(rank) - 1)] if rank >= 1 else slopes[0]
    high = slopes[min(len(slopes) - 1, math.ceil(len(slopes) - rank))]
    return Estimate(slope, float(low), float(high), len(x))


def spearman(x: Array, y: Array) -> Estimate:
    """Rank correlation of x and y, shape (n,), n >= 5; interval by Fisher's z with Bonett and Wright's error (2000).

    A constant series has no order: the estimate is 0 with the widest interval.
    """
    n = len(x)
    a, b = ranks(x), ranks(y)
    if not a.std() or not b.std():
        return Estimate(0.0, -1.0, 1.0, n)
    rho = float(np.corrcoef(a, b)[0, 1])
    bounded = max(-0.999999, min(0.999999, rho))
    half = Z * math.sqrt((1 + bounded**2 / 2) / (n - 3))
    centre = math.atanh(bounded)
    return Estimate(rho, math.tanh(centre - half), math.tanh(centre + half), n)


def ranks(values: Array) -> Array:
    """Ranks from 1; ties share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: Array = last - (counts - 1) / 2
    return mean_rank[inverse]


def rmssd(values: Array, days: Array) -> tuple[float | None, int]:
    """Root mean square of the change from one day to the next, over neighbouring days only, and their number."""
    neighbours = np.diff(days) == 1
    changes = np.diff(values)[neighbours]
    if not len(changes):
        return None, 0
    return float(np.sqrt(np.mean(changes**2))), len(changes)


def group_difference(values: Array, groups: NDArray[np.int64]) -> float:
    """How often groups differ by chance at least as much as here: p of a permutation test on the means between groups.

    Deterministic: the same data gives the same p.
    """
    dice = np.random.default_rng(20_001)
    counts = np.bincount(groups)
    kept = counts > 0
    shuffled = np.empty((SHUFFLES + 1, len(values)))
    shuffled[0] = values - values.mean()
    for row in range(1, SHUFFLES + 1):
        shuffled[row] = dice.permutation(shuffled[0])
    indicator = (groups[:, None] == np.arange(len(counts))[None, :]).astype(float)[:, kept]
    between = ((shuffled @ indicator) ** 2 / counts[kept]).sum(axis=1)
    return float((between[1:] >= between[0] - 1e-9).sum() + 1) / (SHUFFLES + 1)


def _kendall_variance(y: Array) -> float:
    """Variance of Kendall's S under no trend, with ties."""
    n = len(y)
    ties = np.unique(y, return_counts=True)[1].astype(float)
    return float((n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18)


def _inflation(left_over: Array) -> float:
    """How much wider than for independent days, from the lag-1 autocorrelation; never narrower, at most tenfold."""
    centred = left_over - left_over.mean()
    total = float((centred**2).sum())
    if not total:
        return 1.0
    lag = max(0.0, min(0.9, float((centred[1:] * centred[:-1]).sum()) / total))
    return min(10.0, (1 + lag) / (1 - lag))
