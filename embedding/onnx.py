"""The embedded encoder: an exported model on onnxruntime, without torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embedding.manifest import read_manifest
from embedding.protocol import Vectors
from embedding.session import Session


class OnnxEmbedder:
    """An encoder read from an export directory (see `embedding.export`); implements `Embedder`.

    Reads the manifest at once and the model on first use or by `load`. Safe to share between threads.
    """

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """Raises `EmbeddingUnavailable` when the directory holds no whole export."""
        self._manifest = read_manifest(directory)
        self._session = Session(directory, self._manifest.max_tokens, threads)

    @property
    def name(self) -> str:
        """Model name and a prefix of the digest of its weights."""
        return self._manifest.name

    @property
    def dimensions(self) -> int:
        """Length of one vector."""
        return self._manifest.dimensions

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the encoder sees, the two framing tokens included."""
        return self._manifest.max_tokens

    def load(self) -> None:
        """Bring the model into memory now. Raises `EmbeddingUnavailable`."""
        self._session.load()

    def count_tokens(self, text: str) -> int:
        """Tokens of the text itself, without the two framing tokens and without truncation."""
        return self._session.count_tokens(text)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to unit rows in the order given; tokens beyond `max_tokens` are cut off."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return self._session.run(texts)["sentence_embedding"]
