"""What every encoder of text can do."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Unit-length rows, shape (number of texts, dimensions)."""


class Embedder(Protocol):
    """Turns text into unit vectors whose dot product is cosine similarity.

    Text beyond `max_tokens` tokens is invisible to the encoder: callers cut windows first.
    """

    @property
    def name(self) -> str:
        """Model name and version, stored beside every vector it made."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of one vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text the encoder sees."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as this encoder sees them, never fewer; framing tokens are not counted."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; an empty sequence gives shape (0, dimensions).

        Raises `EmbeddingUnavailable` when the encoder cannot run.
        """
        ...
