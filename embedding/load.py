"""Chooses the encoder that a setting names."""

from pathlib import Path

from core.errors import ConfigurationError
from embedding.export import model_directory
from embedding.onnx import OnnxEmbedder
from embedding.openai import OpenAIEmbedder
from embedding.protocol import Embedder
from embedding.sentence_transformers import SentenceTransformersEmbedder


def load_embedder(
    spec: str, home: Path, *, threads: int = 1, base_url: str | None = None, api_key: str = ""
) -> Embedder:
    """Open the encoder named by `onnx`, `sentence-transformers:<name>` or `openai:<name>`.

    `home` holds the exported model, `threads` bounds the cores of one local call; `base_url` and `api_key` reach an
    endpoint, by default OpenAI's. Raises `ConfigurationError` for an unknown kind and `EmbeddingUnavailable` when the
    encoder is missing.
    """
    kind, _, model = spec.partition(":")
    match kind, model:
        case "onnx", "":
            return OnnxEmbedder(model_directory(home), threads=threads)
        case "sentence-transformers", str(name) if name:
            return SentenceTransformersEmbedder(name)
        case "openai", str(name) if name:
            return OpenAIEmbedder(name, base_url or "https://api.openai.com/v1", api_key)
        case _:
            raise ConfigurationError(
                f"Unknown encoder {spec!r}: use onnx, sentence-transformers:<name> or openai:<name>."
            )
