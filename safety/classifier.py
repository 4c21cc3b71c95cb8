"""The trained head over embeddings of windows; numpy only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from safety.lexicon import Hit, is_crisis
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
LEXICAL_FEATURES = len(_CATEGORIES) + 1 + len(SCOPE_FAMILIES)


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
    """Feed-forward layers that end in one class for every pair of category and severity met in training."""

    layers: tuple[tuple[tuple[Matrix, Matrix], ...], ...]
    """For each member of the ensemble, (weights, bias) from input to output; ReLU between layers."""
    labels: tuple[Label, ...]
    slope: float
    intercept: float
    """Platt scaling of the summed logit, fitted out of fold."""
    version: str
    encoder: str
    """Name of the encoder whose vectors the head was trained on."""

    @classmethod
    def load(cls) -> Head:
        """Read the packaged head. Raises `OSError`, `ValueError` or `KeyError` when it is missing or broken."""
        folder = files("safety").joinpath("data")
        facts = json.loads(folder.joinpath("head.json").read_text("utf-8"))
        with np.load(BytesIO(folder.joinpath("head.npz").read_bytes()), allow_pickle=False) as arrays:
            layers = tuple(
                tuple(
                    (arrays[f"w{member}_{depth}"].astype(np.float32), arrays[f"b{member}_{depth}"].astype(np.float32))
                    for depth in range(facts["depth"])
                )
                for member in range(facts["members"])
            )
        labels = tuple((Category(category), Severity(severity)) for category, severity in facts["labels"])
        return cls(layers, labels, facts["slope"], facts["intercept"], facts["version"], facts["encoder"])

    def read(self, features: Matrix) -> Reading:
        """Score windows. `features` has shape (windows, dimensions + `LEXICAL_FEATURES`)."""
        probabilities = self.distribution(features)
        crisis = probabilities @ np.array([is_crisis(*label) for label in self.labels], dtype=np.float64)
        severity = _marginal(probabilities, [label[1].rank for label in self.labels], len(Severity))
        category = _marginal(probabilities, [list(Category).index(label[0]) for label in self.labels], len(Category))
        return Reading(_sigmoid(self.slope * logit(crisis) + self.intercept), severity, category)

    def distribution(self, features: Matrix) -> NDArray[np.float64]:
        """Return uncalibrated label probabilities, shape (windows, labels)."""
        total = np.zeros((len(features), len(self.labels)))
        for member in self.layers:
            values = features
            for depth, (weights, bias) in enumerate(member):
                values = values @ weights + bias
                if depth < len(member) - 1:
                    values = np.maximum(values, 0)
            exponents = np.exp((values - values.max(axis=1, keepdims=True)).astype(np.float64))
            total += exponents / exponents.sum(axis=1, keepdims=True)
        return total / len(self.layers)


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
        row[len(_CATEGORIES)] = max(row[len(_CATEGORIES)], float(hit.clarify))
        for scope in hit.scopes:
            family = scope.split(".")[0]
            row[len(_CATEGORIES) + 1 + SCOPE_FAMILIES.index(family)] = 1.0
    return row


def logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log odds, clipped to about ±14."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-values)))


def _marginal(probabilities: NDArray[np.float64], group: Sequence[int], size: int) -> NDArray[np.float64]:
    marginal = np.zeros((len(probabilities), size))
    for column, target in enumerate(group):
        marginal[:, target] += probabilities[:, column]
    return marginal
