"""The embedded encoder: an exported model on onnxruntime, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from embedding.errors import EmbeddingUnavailable
from embedding.manifest import read_manifest
from embedding.protocol import Vectors

BATCH_TOKENS = 2048
"""Padded tokens per run: on a CPU larger batches only cost memory."""


@dataclass(frozen=True)
class _Loaded:
    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer


class OnnxEmbedder:
    """An encoder read from an export directory (see `embedding.export`); implements `Embedder`.

    Reads the manifest at once and the model on first use or by `load`. Safe to share between threads: onnxruntime
    releases the interpreter lock and runs concurrent calls side by side, each on `threads` cores.
    """

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """Raises `EmbeddingUnavailable` when the directory holds no whole export."""
        self._directory = directory
        self._threads = threads
        self._manifest = read_manifest(directory)
        self._lock = Lock()

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
        with self._lock:
            _ = self._loaded

    def count_tokens(self, text: str) -> int:
        """Tokens of the text itself, without the two framing tokens and without truncation."""
        self.load()
        return len(self._loaded.tokenizer.encode(text, add_special_tokens=False).ids)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to unit rows in the order given; tokens beyond `max_tokens` are cut off."""
        self.load()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        tokens = [self._tokens(encoding) for encoding in self._loaded.tokenizer.encode_batch(list(texts))]
        # Neighbours in length share a batch, so hardly any time goes into padding.
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        while order:
            size = max(1, BATCH_TOKENS // len(tokens[order[-1]]))
            rows, order = order[-size:], order[:-size]
            vectors[rows] = self._run([tokens[row] for row in rows])
        return vectors

    @cached_property
    def _loaded(self) -> _Loaded:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Waiting threads sleep: the cores belong to the rest of the service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(
                str(self._directory / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(self._directory / "tokenizer.json"))
        except Exception as error:  # onnxruntime and tokenizers raise bare exceptions of their own; re-raised as ours
            raise EmbeddingUnavailable("The encoder could not be loaded.") from error
        # The packaged tokenizer pads to and cuts at 128 tokens; here length is this class's affair.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return _Loaded(session, tokenizer)

    def _tokens(self, encoding: Encoding) -> list[int]:
        ids: list[int] = encoding.ids
        if len(ids) <= self.max_tokens:
            return ids
        return [*ids[: self.max_tokens - 1], ids[-1]]

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        width = max(len(tokens) for tokens in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        try:
            (vectors,) = self._loaded.session.run(None, {"input_ids": ids, "attention_mask": mask})
        except Exception as error:  # onnxruntime raises bare exceptions of its own; re-raised as ours
            raise EmbeddingUnavailable("The encoder failed on this text.") from error
        return np.asarray(vectors, dtype=np.float32)
