"""An encoder behind an OpenAI-compatible `/v1/embeddings` endpoint."""

from collections.abc import Sequence
from functools import cached_property

import httpx
import numpy as np
from pydantic import BaseModel, ValidationError

from embedding.errors import EmbeddingUnavailable
from embedding.protocol import Vectors

BATCH = 64


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Row]


class OpenAIEmbedder:
    """Asks an embeddings endpoint; implements `Embedder`. Safe to share between threads.

    Texts leave the process: an institution chooses this encoder only for an endpoint it trusts with students' words.
    """

    def __init__(
        self, model: str, base_url: str, api_key: str = "", *, timeout: float = 10.0, max_tokens: int = 512
    ) -> None:
        """`base_url` ends in `/v1`; `timeout` is in seconds per request."""
        self._model = model
        self._max_tokens = max_tokens
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(base_url=base_url.rstrip("/") + "/", headers=headers, timeout=timeout)

    @property
    def name(self) -> str:
        """The model as the endpoint calls it."""
        return f"openai:{self._model}"

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the encoder is trusted to see."""
        return self._max_tokens

    @cached_property
    def dimensions(self) -> int:
        """Length of one vector, learned from the endpoint on first use. Raises `EmbeddingUnavailable`."""
        return len(self._ask(["length"])[0])

    def count_tokens(self, text: str) -> int:
        """An upper estimate, since the endpoint's tokenizer is not known: a token for every two bytes."""
        return (len(text.encode()) + 1) // 2

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to unit rows in the order given. Raises `EmbeddingUnavailable`."""
        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            rows += self._ask(list(texts[start : start + BATCH]))
        if not rows:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors = np.asarray(rows, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, texts: list[str]) -> list[list[float]]:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            response = self._client.post("embeddings", json=body).raise_for_status()
            rows = sorted(_Answer.model_validate_json(response.content).data, key=lambda row: row.index)
        except (httpx.HTTPError, ValidationError) as error:
            raise EmbeddingUnavailable("The embeddings endpoint did not answer as expected.") from error
        vectors = [row.embedding for row in rows]
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
            raise EmbeddingUnavailable("The embeddings endpoint answered with vectors that do not fit the question.")
        return vectors
