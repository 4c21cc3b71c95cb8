"""Embeddings without a model: words and letter trigrams hashed into signed dimensions, normalised to length 1.

Texts that share words get near vectors, equal texts get equal ones, on every machine and in every run.
"""

import base64
import hashlib
import math
import re
import struct


def embed(text: str, dimensions: int) -> list[float]:
    """Return the unit vector of a text; the first axis for a text without any word."""
    vector = [0.0] * dimensions
    words = re.findall(r"\w+", text.lower())
    for word in words:
        _add(vector, word, 1.0)
        padded = f" {word} "
        for start in range(len(padded) - 2):
            _add(vector, padded[start : start + 3], 0.3)
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / length for value in vector]


def encode_base64(vector: list[float]) -> str:
    """Return the vector as the protocol's Base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _add(vector: list[float], feature: str, weight: float) -> None:
    digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest())
    sign = 1.0 if digest & 1 else -1.0
    vector[(digest >> 1) % len(vector)] += sign * weight
