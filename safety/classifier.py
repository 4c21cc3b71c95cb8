"""The trained head over embeddings of windows; numpy only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from safety.lexicon import Hit
from safety.ngrams import SIZE, ngrams
from safety.types import Category, Severity
from safety.windows import Span

LAYER = "classifier"
Matrix = NDArray[np.float32]
Label = tuple[Category, Severity]

_CATEGORIES = tuple(Category)[1:]
SCOPE_FAMILIES = (
    "negation", "hyperbole", "quotation", "fiction", "watching", "lyrics", "homework", "code", "gaming", "third_person", "past",
    "question", "mundane",
)  # fmt: skip
CATEGORY_FEATURES = len(_CATEGORIES)
LEXICAL_FEATURES = CATEGORY_FEATURES + 1 + len(SCOPE_FAMILIES)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the head thinks of each window, rows in window order."""

    crisis: NDArray[np.float64]
    """Calibrated probability of a crisis, shape (windows,)."""
    severity: NDArray[np.float64]
    """Probabilities, shape (windows, 5), in the order of `Severity`."""
    category: NDArray[np.float64]
    """Probabilities, shape (windows, 11), in the order of `Category`."""


@dataclass(frozen=True, slots=True)
class Head:
    """Two linear readers of a window: is it a crisis, and if so which grade and category.

    The first also sees the wording (`safety.ngrams`); the second is one softmax over the pairs of category and severity
    met in training.
    """

    crisis: Matrix
    """Weights of the dense features, shape (features,)."""
    wording: Matrix
    """Weights of the hashed n-grams, shape (`ngrams.SIZE`,)."""
    weights: Matrix
    """Shape (features, labels)."""
    bias: Matrix
    """Shape (labels,)."""
    labels: tuple[Label, ...]
    slope: float
    intercept: float
    """Platt scaling of the crisis score, fitted on styles held out."""
    version: str
    encoder: str
    """Name of the encoder whose vectors the head was trained on."""

    @classmethod
    def load(cls) -> Head:
        """Read the packaged head. Raises `OSError`, `ValueError` or `KeyError` when it is missing or broken."""
        folder = files("safety").joinpath("data")
        facts = json.loads(folder.joinpath("head.json").read_text("utf-8"))
        with np.load(BytesIO(folder.joinpath("head.npz").read_bytes()), allow_pickle=False) as arrays:
            crisis, wording, weights, bias = (
                arrays[name].astype(np.float32) for name in ("crisis", "wording", "weights", "bias")
            )
        labels = tuple((Category(category), Severity(severity)) for category, severity in facts["labels"])
        if weights.shape != (len(crisis), len(labels)) or wording.shape != (SIZE,):
            raise ValueError("the head's arrays do not fit together")
        return cls(
            crisis,
            wording,
            weights,
            bias,
            labels,
            facts["slope"],
            facts["intercept"],
            facts["version"],
            facts["encoder"],
        )

    def read(self, features: Matrix, texts: Sequence[str]) -> Reading:
        """Score windows. `features` has shape (windows, dimensions + `LEXICAL_FEATURES`), one text a row."""
        values = (features @ self.weights + self.bias).astype(np.float64)
        exponents = np.exp(values - values.max(axis=1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        severity = _marginal(probabilities, [label[1].rank for label in self.labels], len(Severity))
        category = _marginal(probabilities, [list(Category).index(label[0]) for label in self.labels], len(Category))
        scores = self.slope * self.score(features, texts) + self.intercept
        return Reading(np.asarray(1 / (1 + np.exp(-scores))), severity, category)

    def score(self, features: Matrix, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the uncalibrated crisis score of each window."""
        wording = [float(weights @ self.wording[places]) for places, weights in map(ngrams, texts)]
        return np.asarray((features @ self.crisis).astype(np.float64) + np.array(wording))


def lexical_features(hits: Sequence[Hit], window: Span) -> Matrix:
    """Describe the rules met in a window, shape (`LEXICAL_FEATURES`,).

    Worst severity by category (0 to 1), whether one asks for a question, and which scopes silenced or changed a hit.
    """
    row = np.zeros(LEXICAL_FEATURES, dtype=np.float32)
    for hit in hits:
        if hit.span.end <= window.start or window.end <= hit.span.start:
            continue
        if hit.live and not hit.clarify:
            column = _CATEGORIES.index(hit.category)
            row[column] = max(row[column], hit.severity.rank / 4)
        row[CATEGORY_FEATURES] = max(row[CATEGORY_FEATURES], float(hit.clarify))
        for scope in hit.scopes:
            family = scope.split(".")[0]
            row[CATEGORY_FEATURES + 1 + SCOPE_FAMILIES.index(family)] = 1.0
    return row


def _marginal(probabilities: NDArray[np.float64], group: Sequence[int], size: int) -> NDArray[np.float64]:
    marginal = np.zeros((len(probabilities), size))
    for column, target in enumerate(group):
        marginal[:, target] += probabilities[:, column]
    return marginal
