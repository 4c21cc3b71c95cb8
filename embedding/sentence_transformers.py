"""Any sentence-transformers model, where an operator has installed that library."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from embedding.errors import EmbeddingUnavailable
from embedding.protocol import Vectors


class SentenceTransformersEmbedder:
    """A sentence-transformers model on this machine; implements `Embedder`."""

    def __init__(self, model: str) -> None:
        """`model` is a name or a local directory. Raises `EmbeddingUnavailable` without the library or the model."""
        try:
            library = importlib.import_module("sentence_transformers")
            self._encoder: Any = library.SentenceTransformer(model)
        except (ImportError, OSError, ValueError) as error:
            raise EmbeddingUnavailable(f"The sentence-transformers model {model} could not be loaded.") from error
        self._model = model

    @property
    def name(self) -> str:
        """The model as sentence-transformers calls it."""
        return f"sentence-transformers:{self._model}"

    @property
    def dimensions(self) -> int:
        """Length of one vector."""
        return int(self._encoder.get_sentence_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the encoder sees."""
        return int(self._encoder.max_seq_length)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text without the framing tokens."""
        return len(self._encoder.tokenizer.tokenize(text))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to unit rows in the order given. Raises `EmbeddingUnavailable`."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        try:
            vectors = self._encoder.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        except RuntimeError as error:
            raise EmbeddingUnavailable("The encoder failed on this text.") from error
        return np.asarray(vectors, dtype=np.float32)
