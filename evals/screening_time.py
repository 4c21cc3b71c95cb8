"""How long screening takes on one core, by length of message: `companion bench screening`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from embedding.session import Session
from safety.classifier import MODEL
from safety.exemplars import load_calibration
from safety.screen import Screener
from safety.types import PriorTurn, ScreeningContext

TOKENS = (15, 75, 250)
RUNS = 200
_TALK = (PriorTurn("student", "hey"), PriorTurn("companion", "Hello. What is on your mind tonight?"))


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds for messages of one length."""

    tokens: int
    in_conversation: bool
    p50: float
    p95: float


def measure(runs: int = RUNS) -> Iterator[Timing]:
    """Screen messages cut from the calibration set, each length alone and as the second turn of a conversation."""
    screener = Screener.packaged(threads=1)
    words = " ".join(exemplar.text for exemplar in load_calibration()).split()
    for tokens in TOKENS:
        texts = messages(words, tokens, runs)
        for prior in ((), _TALK):
            context = ScreeningContext(prior=prior)
            for text in texts[:5]:
                screener.screen(text, context)
            times = [_milliseconds(screener, text, context) for text in texts]
            yield Timing(tokens, bool(prior), float(np.percentile(times, 50)), float(np.percentile(times, 95)))


def messages(words: Sequence[str], tokens: int, count: int) -> list[str]:
    """Cut messages of about so many tokens out of running words, each from another place."""
    session = Session(MODEL, max_tokens=10_000)
    found = []
    for number in range(count):
        start = number * 7 % (len(words) - tokens)
        length = tokens
        while session.count_tokens(" ".join(words[start : start + length])) > tokens:
            length -= 1
        found.append(" ".join(words[start : start + length]))
    return found


def _milliseconds(screener: Screener, text: str, context: ScreeningContext) -> float:
    begun = time.perf_counter()
    screener.screen(text, context)
    return (time.perf_counter() - begun) * 1000
