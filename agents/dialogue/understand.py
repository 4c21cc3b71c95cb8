"""What a message wants, feels and is about: one reading per turn, from its words and its one embedding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from agents.dialogue.feelings import Feeling, Lexicon
from agents.dialogue.phrases import read_data
from agents.dialogue.topics import Happening, Topic, Topics
from embedding.protocol import Embedder, Vectors

RIDGE = 0.35
"""Regularisation of the intent classifier, chosen by leave-one-out on its own examples."""
LEAST_SCORE = 0.16
LEAST_MARGIN = 0.03
"""Below these the intent is unsure: scores are ridge outputs, where an example's own class tends to 1."""


class Route(StrEnum):
    """Who answers."""

    SUPPORT = "support"
    COACH = "coach"
    SMALL_TALK = "small_talk"


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, understood as far as it goes."""

    text: str
    intent: str
    """A key of `data/intents.yaml`."""
    explicit: bool
    """A pattern settled the intent, not likeness."""
    sure: bool
    route: Route
    """Where the intent belongs by itself; the router weighs pain against it."""
    feelings: tuple[Feeling, ...]
    work: int
    topics: tuple[Topic, ...]
    happenings: tuple[Happening, ...]

    @property
    def pain(self) -> int:
        """0 none, 1 mild, 2 plain, 3 strong; two plain feelings make a strong one."""
        hurting = [feeling.weight for feeling in self.feelings if not feeling.positive]
        return min(3, max(hurting) + (sum(w >= 2 for w in hurting) > 1)) if hurting else 0

    @property
    def topic(self) -> Topic | None:
        """The likeliest topic."""
        return self.topics[0] if self.topics else None


class Reader:
    """Reads messages; loaded once per process, it embeds its examples then and nothing later."""

    def __init__(self, intents: _Intents, topics: Topics, lexicon: Lexicon) -> None:
        self._intents = intents
        self.topics = topics
        self._lexicon = lexicon

    @classmethod
    def load(cls, embedder: Embedder) -> Reader:
        """Load the data files and embed the examples; raises `EmbeddingUnavailable`."""
        return cls(_Intents.load(embedder), Topics.load(embedder), Lexicon())

    def read(self, text: str, vector: Vectors | None) -> Reading:
        """Read one message; `vector` is its embedding, shape (dimensions,), or None when there is none."""
        low = text.lower().replace("’", "'").strip()
        intent, explicit, sure = self._intents.of(low, vector)
        topics = self.topics.find(low, vector)
        return Reading(
            text,
            intent,
            explicit,
            sure,
            self._intents.routes[intent],
            self._lexicon.feelings(low),
            self._lexicon.work(low),
            topics,
            self.topics.happenings(low, topics),
        )


class _Intents:
    """Patterns first, then a ridge classifier over the examples' embeddings."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        patterns: Mapping[str, tuple[re.Pattern[str], ...]],
        labels: Sequence[int],
        examples: Vectors,
    ) -> None:
        self.routes = routes
        self._patterns = patterns
        self._names = tuple(routes)
        self._weights = _fit(examples, labels, len(self._names))

    @classmethod
    def load(cls, embedder: Embedder) -> _Intents:
        specs = read_data("intents.yaml")["intents"]
        labelled = [(index, text) for index, spec in enumerate(specs.values()) for text in spec["examples"]]
        return cls(
            {name: Route(spec["route"]) for name, spec in specs.items()},
            {name: tuple(map(re.compile, spec.get("patterns", ()))) for name, spec in specs.items()},
            [index for index, _ in labelled],
            embedder.encode([text for _, text in labelled]),
        )

    def of(self, text: str, vector: Vectors | None) -> tuple[str, bool, bool]:
        """Return the intent, whether a pattern settled it, and whether it is sure."""
        for name, patterns in self._patterns.items():
            if any(pattern.search(text) for pattern in patterns):
                return name, True, True
        if vector is None or not text:
            return "unsure", False, False
        scores = _with_bias(vector[None, :])[0] @ self._weights
        second, best = np.argsort(scores)[-2:]
        sure = scores[best] >= LEAST_SCORE and scores[best] - scores[second] >= LEAST_MARGIN
        return self._names[best], False, bool(sure)


def _with_bias(vectors: Vectors) -> Vectors:
    return np.hstack([vectors, np.full((len(vectors), 1), 0.3, dtype=np.float32)])


def _fit(examples: Vectors, labels: Sequence[int], classes: int) -> Vectors:
    """Solve ridge regression onto one-hot labels, each class weighing the same; shape (dimensions + 1, classes)."""
    inputs = _with_bias(examples)
    targets = np.eye(classes, dtype=np.float32)[list(labels)]
    sizes = targets.sum(axis=0)
    weight = np.sqrt(1.0 / np.maximum(sizes, 1))[list(labels)][:, None] * np.sqrt(sizes.mean())
    weighted = inputs * weight
    gram = weighted.T @ weighted + RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(gram, weighted.T @ (targets * weight)), dtype=np.float32)
