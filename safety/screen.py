"""Screening: one pure function of a message and the case so far, run on every message before any model."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embedding.errors import EmbeddingUnavailable
from safety import classifier, lexicon, multiturn
from safety.classifier import CONTEXT_TURNS, Read, in_context
from safety.lexicon import Lexicon, LexiconVerdict, is_crisis
from safety.multiturn import NOTHING, MultiTurn, TurnsVerdict
from safety.normalize import Normalized, Normalizer
from safety.types import Category, Evidence, Mode, PriorTurn, Screening, ScreeningContext, Severity, highest
from safety.windows import Span, spans_to_read

T = TypeVar("T")
_SILENT = LexiconVerdict((), Category.NONE, Severity.NONE, False, ())


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the classifier made of the message."""

    alone: float
    """Log odds of a crisis by the words themselves: the worst of the whole message and its parts."""
    in_context: float | None
    """Log odds by the conversation that ends in the message; None where it begins with it."""
    category: Category
    severity: Severity
    window: Span


class Screener:
    """Screens messages with the packaged rules and a reader, loaded once.

    `read` runs the trained encoder, `reader` is its version. Without it, and whenever it fails, the verdict still carries
    the lexicon and the turns before, and names `classifier` in `degraded`.
    """

    def __init__(self, read: Read | None, reader: str = "none") -> None:
        self._read = read
        self._normalizer = Normalizer()
        self._lexicon = Lexicon()
        self._turns = MultiTurn(self._normalizer)
        self._settings = tomllib.loads(files("safety").joinpath("data/screen.toml").read_text("utf-8"))
        self.version = (
            f"{self._settings['version']}+n{self._normalizer.version}+l{self._lexicon.version}"
            f"+m{self._turns.version}+c{reader}"
        )

    @classmethod
    def packaged(cls, threads: int = 1) -> Screener:
        """Open with the packaged model on that many cores; without the layer when the model cannot be opened."""
        try:
            return cls(*classifier.packaged(threads))
        except (EmbeddingUnavailable, OSError, ValueError, KeyError):
            return cls(None)

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message. Never raises: a layer that cannot run is named in `degraded`."""
        failed: list[str] = []
        message = _attempt("normalize", lambda: self._normalizer(text), _as_written(text), failed)
        lexical = _attempt(lexicon.LAYER, lambda: self._lexicon.read(message), _SILENT, failed)
        prior = context.prior[-int(self._settings["multiturn"]["memory"]) :]
        turns = _attempt(multiturn.LAYER, lambda: self._turns.read(message, prior), NOTHING, failed)
        seen = _attempt(classifier.LAYER, lambda: self._classify(message, _heard(prior, context.mode)), None, failed)
        return self._decide(message, context, lexical, turns, seen, tuple(failed))

    def _classify(self, message: Normalized, prior: Sequence[PriorTurn]) -> _Seen | None:
        spans = spans_to_read(message.text)
        if not spans:
            return None
        if self._read is None:
            raise RuntimeError("no reader")
        texts = [message.text[span.start : span.end] for span in spans]
        before = [replace(turn, text=self._normalizer(turn.text).text) for turn in prior[-CONTEXT_TURNS:]]
        talk = any(turn.role == "student" for turn in before)
        if talk:
            # Short words mean what the conversation makes of them; long ones speak for themselves, by their end at least.
            texts.append(in_context(texts[-1], before))
            spans = [*spans, spans[-1]]
        reading = classifier.read(self._read, texts)
        odds = reading.crisis.copy()
        odds[1 : len(texts) - talk] -= self._settings["odds"]["part"]
        worst = int(odds.argmax())
        category = list(Category)[1 + int(reading.category[worst, 1:].argmax())]
        return _Seen(
            float(odds[: len(texts) - talk].max()),
            float(odds[-1]) if talk else None,
            category,
            self._severity(reading.severity[worst]),
            spans[worst],
        )

    def _severity(self, grades: NDArray[np.float64]) -> Severity:
        """Return the grade that the expected one falls into, given that there is something."""
        limits = self._settings["severity"]
        expected = float(grades[1:] @ np.arange(1, len(Severity))) / max(float(grades[1:].sum()), 1e-9)
        above = sum(expected >= float(limits[name]) for name in ("moderate", "high", "imminent"))
        return list(Severity)[1 + above]

    def _decide(
        self,
        message: Normalized,
        context: ScreeningContext,
        lexical: LexiconVerdict,
        turns: TurnsVerdict,
        seen: _Seen | None,
        degraded: tuple[str, ...],
    ) -> Screening:
        limits = self._settings["decision"]
        careful = context.mode in {Mode.GUARDED, Mode.TRIAGE} or bool(context.data_signals)
        factor = self._settings["guarded"]["factor"] if careful else 1.0
        score = self._score(lexical, turns, seen)
        # Without the encoder nothing can outweigh a rule.
        crisis = score >= limits["crisis"] * factor or (seen is None and (lexical.crisis or turns.crisis))
        # What a rule finds in full the encoder may doubt and not dismiss: one question decides.
        found = lexical.crisis or turns.crisis or turns.clarify
        clarify = not crisis and (found or score >= limits["clarify"] * factor)
        evidence = (*lexical.evidence, *turns.evidence)
        if seen and (crisis or clarify):
            quote = message.quote(seen.window.start, seen.window.end)
            evidence += (Evidence(classifier.LAYER, f"{seen.category}.{seen.severity}", quote, round(score, 4)),)
        category, severity = _grade(lexical, turns, seen) if crisis or clarify else (Category.NONE, Severity.NONE)
        if crisis and not is_crisis(category, severity):
            severity = Severity.MODERATE
        return Screening(crisis, clarify, category, severity, score, evidence, self.version, degraded)

    def _score(self, lexical: LexiconVerdict, turns: TurnsVerdict, seen: _Seen | None) -> float:
        """Add up what each layer says in log odds: a rule shifts the encoder's verdict and does not replace it."""
        odds = self._settings["odds"]
        total = float(odds["unseen"])
        if seen:
            total = seen.alone
            if seen.in_context is not None:
                total = max(total - odds["alone"], seen.in_context - odds["talk"])
        if lexical.sure:
            total += odds["sure"]
        elif lexical.crisis:
            total += odds["rule"][lexical.severity]
        elif lexical.clarify:
            total += odds["rule"]["ambiguous"]
        if turns.crisis:
            total += odds["sure"] if turns.sure else odds["turns"]
        return float(1 / (1 + np.exp(-np.clip(total, -30, 30))))


def _grade(lexical: LexiconVerdict, turns: TurnsVerdict, seen: _Seen | None) -> tuple[Category, Severity]:
    """Name what was found: the worst grade of the layers that spoke, the category of the first."""
    spoke: list[tuple[Category, Severity]] = []
    if lexical.crisis:
        spoke.append((lexical.category, lexical.severity))
    if turns.crisis or turns.clarify:
        spoke.append((turns.category, turns.severity))
    if seen:
        spoke.append((seen.category, seen.severity))
    if not spoke:
        spoke.append((lexical.category, lexical.severity))
    return spoke[0][0], highest(*(grade for _, grade in spoke))


def _heard(prior: Sequence[PriorTurn], mode: Mode) -> Sequence[PriorTurn]:
    """Return the turns that a message is read with: once the script has taken a signal up, those after it.

    What was found before has its case, whose severity stays; it must not make every later word a signal again.
    """
    signals = [place for place, turn in enumerate(prior) if turn.severity is not Severity.NONE]
    return prior[signals[-1] + 1 :] if signals and mode in {Mode.TRIAGE, Mode.GUARDED} else prior


def _attempt(layer: str, run: Callable[[], T], otherwise: T, failed: list[str]) -> T:
    try:
        return run()
    except Exception:  # noqa: BLE001 - the message must be answered whatever a layer raises; the layer is named
        failed.append(layer)
        return otherwise


def _as_written(text: str) -> Normalized:
    lowered = "".join(character.lower()[:1] or character for character in text)
    return Normalized(text, lowered, tuple(range(len(text))))
