"""What the screening encoder is trained on: the exemplars as screening would read them, and some of them buried."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from safety.classifier import in_context
from safety.exemplars import Exemplar
from safety.lexicon import is_crisis
from safety.normalize import Normalizer
from safety.types import Category, Severity

BURIED = 0.25
"""Share of the short exemplars that are also shown in the middle of harmless ones."""
_SHORT = 250
"""Characters up to which an exemplar may be buried or bury another."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text to learn from; the ranks are places in `Severity` and `Category`."""

    text: str
    crisis: bool
    severity: int
    category: int


def rows(exemplars: Sequence[Exemplar], seed: int | None = 0) -> list[Row]:
    """Return the rows of the exemplars and, with a seed, those of the buried ones."""
    normalize = Normalizer()
    more = _buried(exemplars, random.Random(seed)) if seed is not None else ()  # noqa: S311  # reproducible, no secret
    return [_row(exemplar, normalize) for exemplar in [*exemplars, *more]]


def _row(exemplar: Exemplar, normalize: Normalizer) -> Row:
    text = normalize(exemplar.text).text
    if exemplar.prior:
        text = in_context(text, [replace(turn, text=normalize(turn.text).text) for turn in exemplar.prior])
    return Row(
        text,
        is_crisis(exemplar.category, exemplar.severity),
        list(Severity).index(exemplar.severity),
        list(Category).index(exemplar.category),
    )


def _buried(exemplars: Sequence[Exemplar], dice: random.Random) -> Iterable[Exemplar]:
    """Set lines among harmless ones: the label stays, so the encoder learns to look at every part of a message."""
    short = [exemplar for exemplar in exemplars if not exemplar.prior and len(exemplar.text) < _SHORT]
    harmless = [exemplar.text for exemplar in short if exemplar.category is Category.NONE]
    if not harmless:
        return
    for exemplar in dice.sample(short, int(BURIED * len(short))):
        parts = dice.sample(harmless, min(dice.choice((1, 1, 2, 3)), len(harmless)))
        parts.insert(dice.randrange(len(parts) + 1), exemplar.text)
        ends = [
            part if part[-1] in ".!?" or dice.random() < 0.4 else part + dice.choice((".", "", "\n", "..."))
            for part in parts
        ]
        yield replace(exemplar, text=" ".join(ends))
