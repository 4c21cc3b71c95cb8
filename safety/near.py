"""Near-duplicates between two sets of short texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

JACCARD = 0.7
"""Share of common word pairs from which two texts count as the same."""
_WORD = re.compile(r"\w+")


def near_duplicates(texts: Sequence[str], others: Sequence[str], threshold: float = JACCARD) -> set[int]:
    """Return the indices of `texts` that are nearly the same as one of `others`, by overlap of words and word pairs."""
    index: dict[str, set[int]] = defaultdict(set)
    grams = [_grams(other) for other in others]
    for number, parts in enumerate(grams):
        for part in parts:
            index[part].add(number)
    found: set[int] = set()
    for number, text in enumerate(texts):
        parts = _grams(text)
        shared: dict[int, int] = defaultdict(int)
        for part in parts:
            for other in index.get(part, ()):
                shared[other] += 1
        if any(count / (len(parts) + len(grams[other]) - count) >= threshold for other, count in shared.items()):
            found.add(number)
    return found


def _grams(text: str) -> frozenset[str]:
    words = _WORD.findall(text.casefold())
    return frozenset([*words, *(" ".join(pair) for pair in pairwise(words))])
