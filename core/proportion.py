"""A share with its uncertainty."""

from __future__ import annotations

import math

Interval = tuple[float, float]


def wilson(hits: int, total: int, z: float = 1.96) -> Interval:
    """Return the Wilson score interval of a proportion (95 % by default); (0, 1) without any trial."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    centre = share + square / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, (centre - half) / (1 + square / total)), min(1.0, (centre + half) / (1 + square / total))
