"""The trained encoder's reading of a message: how likely a crisis is, of what kind and how grave.

The model lives in `data/screening` (see `evals.train`): `model.onnx` gives for each text the logits `crisis` (texts,),
`severity` (texts, 5) and `category` (texts, 11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding.manifest import verify_manifest
from embedding.session import Session
from safety.types import Category, PriorTurn, Severity

LAYER = "classifier"
MODEL = Path(__file__).parent / "data" / "screening"
CONTEXT_TURNS = 6
"""Earlier messages that the encoder reads along with the last one."""
COMPANION_WORDS = 40
"""Words kept of one turn that is not the student's, its last ones."""
_QUESTION = re.compile(r"[^.!?\n]+\?")
CONTEXT_WORDS = 110
"""Words of those, counted from the newest."""

Read = Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
"""Texts to named logits. Raises when it cannot run."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the encoder thinks of each text, rows in the order given."""

    crisis: NDArray[np.float64]
    """Log odds of a crisis, shape (texts,)."""
    severity: NDArray[np.float64]
    """Probabilities, shape (texts, 5), in the order of `Severity`."""
    category: NDArray[np.float64]
    """Probabilities, shape (texts, 11), in the order of `Category`."""


def packaged(threads: int = 1) -> tuple[Read, str]:
    """Open the packaged model; returns its reader and its version.

    Raises `EmbeddingUnavailable`, `OSError` or `ValueError` when it is missing, damaged or cannot be loaded.
    """
    manifest = verify_manifest(MODEL)
    session = Session(MODEL, manifest.max_tokens, threads)
    session.load()
    return session.run, str(json.loads((MODEL / "facts.json").read_text("utf-8"))["version"])


def read(reader: Read, texts: Sequence[str]) -> Reading:
    """Read texts. Raises `ValueError` when the model gives something that is not a number or of another shape."""
    found = reader(texts)
    crisis = found["crisis"].astype(np.float64).reshape(-1)
    reading = Reading(crisis, _softmax(found["severity"]), _softmax(found["category"]))
    shapes = (crisis.shape, reading.severity.shape, reading.category.shape)
    if shapes != ((len(texts),), (len(texts), len(Severity)), (len(texts), len(Category))):
        raise ValueError(f"the model's outputs have the shapes {shapes}")
    if not all(np.isfinite(values).all() for values in (crisis, reading.severity, reading.category)):
        raise ValueError("the model returned something that is not a number")
    return reading


def in_context(text: str, prior: Sequence[PriorTurn]) -> str:
    """Write the last message and then the turns before it, newest first, as the model was trained to read them.

    An encoder that sees only so much then loses the oldest words, never the message. Of a companion's turn only its
    questions count, which the student may be answering: its fixed texts speak of danger and of help when nothing is the
    matter. What it says before the student has said anything does not count at all.
    """
    said = [f"student: {text}"]
    left = CONTEXT_WORDS
    recent = list(prior[-CONTEXT_TURNS:])
    while recent and recent[0].role != "student":
        recent.pop(0)
    for turn in reversed(recent):
        words = turn.text.split()
        if turn.role != "student":
            words = [word for question in _QUESTION.findall(turn.text) for word in question.split()][-COMPANION_WORDS:]
            if not words:
                continue
        said.append(f"{'student' if turn.role == 'student' else 'companion'}: {' '.join(words[:left])}")
        left -= len(words)
        if left <= 0:
            break
    return " ".join(said)


def _softmax(values: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = values.astype(np.float64) - values.max(axis=-1, keepdims=True)
    exponents = np.exp(shifted)
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))
