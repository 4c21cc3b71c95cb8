"""An exported transformer and its tokenizer on onnxruntime, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from embedding.errors import EmbeddingUnavailable

BATCH_TOKENS = 2048
"""Padded tokens per run: on a CPU larger batches only cost memory."""

NEAR = 0.7
"""Texts share a run only when the shortest has at least this share of the longest's tokens; the rest would be padding."""

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class _Loaded:
    graph: onnxruntime.InferenceSession
    tokenizer: Tokenizer
    outputs: tuple[str, ...]


class Session:
    """Runs a graph of `input_ids` and `attention_mask` (batch, tokens) over texts of any number and length.

    Loads on first use or by `load`. Safe to share between threads: onnxruntime releases the interpreter lock and runs
    concurrent calls side by side, each on `threads` cores.
    """

    def __init__(self, directory: Path, max_tokens: int, threads: int = 1) -> None:
        """`directory` holds `model.onnx` and `tokenizer.json`."""
        self._directory = directory
        self._max_tokens = max_tokens
        self._threads = threads
        self._lock = Lock()

    def load(self) -> None:
        """Bring the model into memory now. Raises `EmbeddingUnavailable`."""
        with self._lock:
            _ = self._loaded

    def count_tokens(self, text: str) -> int:
        """Tokens of the text itself, without the two framing tokens and without truncation."""
        self.load()
        return len(self._loaded.tokenizer.encode(text, add_special_tokens=False).ids)

    def run(self, texts: Sequence[str]) -> Mapping[str, Rows]:
        """Return the graph's outputs by name, one row a text in the order given; needs at least one text.

        Tokens beyond `max_tokens` are cut off. Raises `EmbeddingUnavailable`.
        """
        self.load()
        tokens = [self._tokens(encoding) for encoding in self._loaded.tokenizer.encode_batch(list(texts))]
        # Neighbours in length share a batch, so hardly any time goes into padding.
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        places: list[int] = []
        parts: list[list[Rows]] = []
        while order:
            longest = len(tokens[order[-1]])
            near = [row for row in order[-max(1, BATCH_TOKENS // longest) :] if len(tokens[row]) >= longest * NEAR]
            rows, order = near, order[: -len(near)]
            places += rows
            parts.append(self._run_batch([tokens[row] for row in rows]))
        back = np.argsort(places)
        return {
            name: np.concatenate([part[index] for part in parts])[back]
            for index, name in enumerate(self._loaded.outputs)
        }

    @cached_property
    def _loaded(self) -> _Loaded:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Waiting threads sleep: the cores belong to the rest of the service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            graph = onnxruntime.InferenceSession(
                str(self._directory / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(self._directory / "tokenizer.json"))
        except Exception as error:  # onnxruntime and tokenizers raise bare exceptions of their own; re-raised as ours
            raise EmbeddingUnavailable("The encoder could not be loaded.") from error
        # The packaged tokenizer pads to and cuts at 128 tokens; here length is this class's affair.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return _Loaded(graph, tokenizer, tuple(output.name for output in graph.get_outputs()))

    def _tokens(self, encoding: Encoding) -> list[int]:
        ids: list[int] = encoding.ids
        if len(ids) <= self._max_tokens:
            return ids
        return [*ids[: self._max_tokens - 1], ids[-1]]

    def _run_batch(self, batch: list[list[int]]) -> list[Rows]:
        width = max(len(tokens) for tokens in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        try:
            found = self._loaded.graph.run(None, {"input_ids": ids, "attention_mask": mask})
        except Exception as error:  # onnxruntime raises bare exceptions of its own; re-raised as ours
            raise EmbeddingUnavailable("The encoder failed on this text.") from error
        return [np.asarray(output, dtype=np.float32) for output in found]
