"""Screening: one pure function of a message and the case so far, run on every message before any model."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embedding.protocol import Vectors
from safety import classifier, lexicon, multiturn
from safety.classifier import Head, Reading, lexical_features
from safety.lexicon import Lexicon, LexiconVerdict, is_crisis
from safety.multiturn import NOTHING, MultiTurn, TurnsVerdict
from safety.normalize import Normalized, Normalizer
from safety.types import Category, Evidence, Mode, Screening, ScreeningContext, Severity, highest
from safety.windows import Span, spans_to_embed

Encode = Callable[[Sequence[str]], Vectors]
T = TypeVar("T")
_SILENT = LexiconVerdict((), Category.NONE, Severity.NONE, False, ())


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the classifier made of the message."""

    score: float
    category: Category
    severity: Severity
    window: Span
    vector: NDArray[np.float32]


class Screener:
    """Screens messages with the packaged rules and head, loaded once.

    `encode` is the encoder's `encode`, `encoder` its name. Without it, whenever it fails, and when the head cannot be
    read or was trained on another encoder's vectors, the verdict still carries the lexicon and the turns before, and
    names `classifier` in `degraded`.
    """

    def __init__(self, encode: Encode | None, encoder: str | None = None) -> None:
        self._encode = encode
        self._normalizer = Normalizer()
        self._lexicon = Lexicon()
        self._turns = MultiTurn(self._normalizer)
        self._settings = tomllib.loads(files("safety").joinpath("data/screen.toml").read_text("utf-8"))
        try:
            self._head: Head | None = Head.load()
        except (OSError, ValueError, KeyError):
            self._head = None
        if self._head is not None and encoder not in (None, self._head.encoder):
            self._head = None
        head = self._head.version if self._head else "none"
        self.version = f"{self._settings['version']}+n{self._normalizer.version}+l{self._lexicon.version}+m{self._turns.version}+h{head}"

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message. Never raises: a layer that cannot run is named in `degraded`."""
        failed: list[str] = []
        message = _attempt("normalize", lambda: self._normalizer(text), _as_written(text), failed)
        lexical = _attempt(lexicon.LAYER, lambda: self._lexicon.read(message), _SILENT, failed)
        prior = context.prior[-int(self._settings["multiturn"]["memory"]) :]
        turns = _attempt(multiturn.LAYER, lambda: self._turns.read(message, prior), NOTHING, failed)
        seen = _attempt(classifier.LAYER, lambda: self._classify(message, lexical), None, failed)
        return self._decide(message, context, lexical, turns, seen, tuple(failed))

    def _classify(self, message: Normalized, lexical: LexiconVerdict) -> _Seen | None:
        spans = spans_to_embed(message.text)
        if not spans:
            return None
        if self._head is None:
            raise RuntimeError("no head")
        vectors = self._embed(message.text, spans)
        features = np.stack(
            [
                np.concatenate([vector, lexical_features(lexical.hits, span)])
                for vector, span in zip(vectors, spans, strict=True)
            ]
        )
        reading = self._head.read(features, [message.text[span.start : span.end] for span in spans])
        if not np.isfinite(reading.crisis).all():
            raise ValueError("the encoder returned something that is not a number")
        worst = int(reading.crisis.argmax())
        category = list(Category)[1 + int(reading.category[worst, 1:].argmax())]
        return _Seen(float(reading.crisis[worst]), category, self._severity(reading, worst), spans[worst], vectors[0])

    def _embed(self, text: str, spans: Sequence[Span]) -> Vectors:
        """Embed the whole message, then its windows: one batch of both would pad every window to the whole's length."""
        encode = self._encode
        if encode is None:
            raise RuntimeError("no encoder")
        batches = [spans[:1], spans[1:]] if len(spans) > 1 else [spans]
        return np.vstack([encode([text[span.start : span.end] for span in batch]) for batch in batches])

    def _severity(self, reading: Reading, worst: int) -> Severity:
        """The worst grade that, together with all above it, is believed given that there is something."""
        grades = reading.severity[worst, 1:]
        tail = np.cumsum(grades[::-1])[::-1] / max(float(grades.sum()), 1e-9)
        believed = int(np.flatnonzero(tail >= self._settings["classifier"]["severity"]).max(initial=0))
        return list(Severity)[1 + believed]

    def _decide(
        self,
        message: Normalized,
        context: ScreeningContext,
        lexical: LexiconVerdict,
        turns: TurnsVerdict,
        seen: _Seen | None,
        degraded: tuple[str, ...],
    ) -> Screening:
        limits = self._settings["classifier"]
        careful = context.mode in {Mode.GUARDED, Mode.TRIAGE} or bool(context.data_signals)
        factor = self._settings["guarded"]["factor"] if careful else 1.0
        probability = seen.score if seen else 0.0
        believed = seen is not None and probability >= limits["crisis"] * factor
        crisis = lexical.crisis or turns.crisis or believed
        ambiguous = lexical.clarify and (seen is None or probability >= limits["ambiguous"] * factor)
        clarify = not crisis and (turns.clarify or ambiguous or probability >= limits["clarify"] * factor)
        score = self._score(probability, lexical, turns, ambiguous)
        evidence = (*lexical.evidence, *turns.evidence)
        if seen and (believed or clarify):
            quote = message.quote(seen.window.start, seen.window.end)
            evidence += (Evidence(classifier.LAYER, f"{seen.category}.{seen.severity}", quote, round(probability, 4)),)
        category, severity = _grade(lexical, turns, seen if believed else None, crisis)
        if clarify and category is Category.NONE and seen:
            category, severity = seen.category, Severity.LOW
        if not (crisis or clarify):
            category, severity = lexical.category, lexical.severity
        vector = seen.vector if seen else None
        return Screening(crisis, clarify, category, severity, score, evidence, self.version, degraded, vector)

    def _score(self, probability: float, lexical: LexiconVerdict, turns: TurnsVerdict, ambiguous: bool) -> float:
        """Combine as independent witnesses, so that rules set a floor and the classifier still ranks above it."""
        floors = self._settings["lexicon"]
        rules = floors[lexical.severity] if lexical.crisis else floors["clarify"] if ambiguous else 0.0
        if turns.crisis:
            rules = max(rules, floors[turns.severity])
        elif turns.clarify:
            rules = max(rules, floors["clarify"])
        return float(1 - (1 - probability) * (1 - rules))


def _grade(lexical: LexiconVerdict, turns: TurnsVerdict, seen: _Seen | None, crisis: bool) -> tuple[Category, Severity]:
    """Take the worst grade of the layers that spoke; words name the category before the classifier does."""
    spoke: list[tuple[Category, Severity]] = []
    if lexical.crisis or (lexical.clarify and not crisis):
        spoke.append((lexical.category, lexical.severity))
    if turns.crisis or (turns.clarify and not crisis):
        spoke.append((turns.category, turns.severity))
    if seen:
        spoke.append((seen.category, seen.severity))
    if not spoke:
        return Category.NONE, Severity.NONE
    category = spoke[0][0]
    severity = highest(*(grade for _, grade in spoke))
    if crisis and not is_crisis(category, severity):
        severity = Severity.MODERATE
    return category, severity


def _attempt(layer: str, run: Callable[[], T], otherwise: T, failed: list[str]) -> T:
    try:
        return run()
    except Exception:  # noqa: BLE001 - the message must be answered whatever a layer raises; the layer is named
        failed.append(layer)
        return otherwise


def _as_written(text: str) -> Normalized:
    lowered = "".join(character.lower()[:1] or character for character in text)
    return Normalized(text, lowered, tuple(range(len(text))))
