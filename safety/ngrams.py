"""Hashed counts of word and letter sequences: the wording itself, where an embedding keeps only the gist."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 16
"""Length of the hashed space."""
_WORD = re.compile(r"[\w']+")


def ngrams(text: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the occupied places of a hashed vector and their weights.

    Runs of one to three words, and of three to five characters within words; each kind has length one in itself.
    """
    words = _WORD.findall(text)
    runs = [" ".join(words[start : start + size]) for size in (1, 2, 3) for start in range(len(words) - size + 1)]
    letters = [
        padded[start : start + size]
        for padded in (f" {word} " for word in words)
        for size in (3, 4, 5)
        for start in range(len(padded) - size + 1)
    ]
    places, weights = zip(*(_hashed(grams, salt) for salt, grams in enumerate((runs, letters))), strict=True)
    return np.concatenate(places), np.concatenate(weights)


def _hashed(grams: list[str], salt: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    hashes = np.fromiter((crc32(gram.encode(), salt) & (SIZE - 1) for gram in grams), dtype=np.intp, count=len(grams))
    places, counts = np.unique(hashes, return_counts=True)
    return places, (counts / max(float(np.sqrt((counts**2).sum())), 1.0)).astype(np.float32)
