"""What a message wants: patterns first, then a small classifier over its embedding and its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

import numpy as np

from agents.dialogue.phrases import read_data
from embedding.protocol import Embedder, Vectors

RIDGE, WORD_DIMENSIONS, WORD_SCALE, BIAS = 0.8, 1024, 0.5, 0.3
"""Chosen by ten-fold cross-validation on the examples of `data/intents.yaml`: words beside the embedding add two points."""
SHARPNESS = 12.0
"""Turns scores, where an example's own class tends to 1, into weights that routes pool."""
NOT_ASKED = 0.15
"""What a question or command loses when the message is neither."""
LEAST_SCORE, LEAST_SHARE = 0.12, 0.42
"""Below this score of the intent or this share of its route the reading is unsure."""
MOST_WORDS = 150


class Route(StrEnum):
    """Who answers."""

    SUPPORT = "support"
    COACH = "coach"
    SMALL_TALK = "small_talk"


@dataclass(frozen=True, slots=True)
class Intent:
    """What was found: `explicit` by a pattern, else by likeness; `sure` when the likeness is clear."""

    name: str
    route: Route
    explicit: bool
    sure: bool
    asking: bool
    """The message is a question or a command."""


@dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    route: Route
    asks: bool
    patterns: tuple[re.Pattern[str], ...]


class Intents:
    """The classifier, fitted at load in a tenth of a second by one linear solve."""

    def __init__(self, texts: Sequence[str], names: Sequence[str], vectors: Vectors) -> None:
        """Fit on labelled texts; `vectors` are their embeddings, shape (texts, dimensions)."""
        data = read_data("intents.yaml")
        self._asking = re.compile(data["asking"])
        self._specs = tuple(
            _Spec(
                name,
                Route(spec["route"]),
                spec.get("asks", False),
                tuple(re.compile(pattern) for pattern in spec.get("patterns", ())),
            )
            for name, spec in data["intents"].items()
        )
        order = {spec.name: index for index, spec in enumerate(self._specs)}
        inputs = np.stack([_features(text, vector) for text, vector in zip(texts, vectors, strict=True)])
        self._weights = _fit(inputs, [order[name] for name in names], len(self._specs))
        self._asks = np.array([spec.asks for spec in self._specs])
        self._routes = np.array([spec.route.value for spec in self._specs])

    @classmethod
    def load(cls, embedder: Embedder, taught: Sequence[tuple[str, str, Vectors]] = ()) -> Intents:
        """Embed the examples once. `taught` are further (text, intent, vector) that are embedded already."""
        specs = read_data("intents.yaml")["intents"]
        own = [(text, name) for name, spec in specs.items() for text in spec["examples"]]
        vectors = embedder.encode([text for text, _ in own])
        return cls(
            [text for text, _ in own] + [text for text, _, _ in taught],
            [name for _, name in own] + [name for _, name, _ in taught],
            np.vstack([vectors, *(vector for _, _, vector in taught)]),
        )

    def of(self, text: str, vector: Vectors | None) -> Intent:
        """Return the intent of a message in lower case; without a vector only patterns can tell."""
        asking = bool(self._asking.search(text))
        for spec in self._specs:
            if any(pattern.search(text) for pattern in spec.patterns):
                return Intent(spec.name, spec.route, explicit=True, sure=True, asking=asking)
        if vector is None or not text:
            return Intent("unsure", Route.SUPPORT, explicit=False, sure=False, asking=asking)
        scores = _features(text, vector) @ self._weights
        if not asking:
            scores = scores - NOT_ASKED * self._asks
        weights = np.exp(SHARPNESS * (scores - scores.max()))
        share = {route: float(weights[self._routes == route.value].sum() / weights.sum()) for route in Route}
        route = max(share, key=lambda each: share[each])
        best = int(np.where(self._routes == route.value, scores, -np.inf).argmax())
        sure = bool(scores[best] >= LEAST_SCORE and share[route] >= LEAST_SHARE)
        return Intent(self._specs[best].name, route, explicit=False, sure=sure, asking=asking)


def _features(text: str, vector: Vectors) -> Vectors:
    """The embedding beside hashed words, word pairs and letter groups, which forgive a typo."""
    words = re.findall(r"[a-z']+|\d", text.lower())[:MOST_WORDS]
    found = [*words, *(f"{a} {b}" for a, b in zip(["^", *words], [*words, "$"], strict=True))]
    found += ["#" + framed[i : i + 4] for framed in (f"<{word}>" for word in words) for i in range(len(framed) - 3)]
    hashed = np.zeros(WORD_DIMENSIONS, dtype=np.float32)
    for piece in found:
        code = crc32(piece.encode())
        hashed[code % WORD_DIMENSIONS] += 1 if code >> 31 else -1
    hashed *= WORD_SCALE / max(float(np.linalg.norm(hashed)), 1e-9)
    return np.concatenate([vector, hashed, np.array([BIAS], dtype=np.float32)])


def _fit(inputs: Vectors, labels: Sequence[int], classes: int) -> Vectors:
    """Solve ridge regression onto one-hot labels, rare classes weighing more; shape (features, classes)."""
    targets = np.eye(classes, dtype=np.float32)[list(labels)]
    sizes = np.maximum(targets.sum(axis=0), 1)
    weight = ((sizes.mean() / sizes[list(labels)]) ** 0.25)[:, None].astype(np.float32)
    weighted = inputs * weight
    gram = weighted.T @ weighted + RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(gram, weighted.T @ (targets * weight)), dtype=np.float32)
