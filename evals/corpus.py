"""What the screening encoder is trained on: the exemplars as screening would read them, and some of them disguised.

Disguises keep the label: a line buried among harmless ones, said in the middle of a harmless conversation, or badly typed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from safety.classifier import in_context
from safety.exemplars import Exemplar
from safety.lexicon import is_crisis
from safety.normalize import Normalizer
from safety.types import Category, Severity

BURIED, IN_TALK, MISTYPED = 0.2, 0.2, 0.1
"""Shares of the exemplars that are shown once more in each disguise."""
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
    """Return the rows of the exemplars and, with a seed, those of the disguised ones."""
    normalize = Normalizer()
    shown = list(exemplars)
    if seed is not None:
        dice = random.Random(seed)  # noqa: S311  # reproducible, no secret
        shown += [*_buried(exemplars, dice), *_in_talk(exemplars, dice), *_mistyped(exemplars, dice)]
    return [_row(exemplar, normalize) for exemplar in shown]


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


def _buried(exemplars: Sequence[Exemplar], dice: random.Random) -> Iterator[Exemplar]:
    """Teaches to look at every part of a message."""
    short = [exemplar for exemplar in exemplars if not exemplar.prior and len(exemplar.text) < _SHORT]
    harmless = [exemplar.text for exemplar in short if exemplar.category is Category.NONE]
    if not harmless:
        return
    for exemplar in dice.sample(short, int(BURIED * len(short))):
        parts = dice.sample(harmless, min(dice.choice((1, 1, 2, 3)), len(harmless)))
        parts.insert(dice.randrange(len(parts) + 1), exemplar.text)
        yield replace(exemplar, text=" ".join(_ended(part, dice) for part in parts))


def _ended(part: str, dice: random.Random) -> str:
    return part if part[-1] in ".!?" or dice.random() < 0.4 else part + dice.choice((".", "", "\n", "..."))


def _in_talk(exemplars: Sequence[Exemplar], dice: random.Random) -> Iterator[Exemplar]:
    """Teaches that what came before does not always matter."""
    alone = [exemplar for exemplar in exemplars if not exemplar.prior]
    talks = [exemplar.prior for exemplar in exemplars if exemplar.prior and exemplar.category is Category.NONE]
    if not talks:
        return
    for exemplar in dice.sample(alone, int(IN_TALK * len(alone))):
        talk = dice.choice(talks)
        # Cut before a turn of the student, so that the companion speaks last.
        ends = [place for place, turn in enumerate(talk) if place and turn.role == "student"]
        yield replace(exemplar, prior=talk[: dice.choice([*ends, len(talk)])])


def _mistyped(exemplars: Sequence[Exemplar], dice: random.Random) -> Iterator[Exemplar]:
    """Teaches to read what thumbs make of words."""
    typed = [exemplar for exemplar in exemplars if exemplar.text.isascii() and len(exemplar.text) < _SHORT]
    for exemplar in dice.sample(typed, int(MISTYPED * len(typed))):
        letters = list(exemplar.text.replace("'", "").lower())
        for _ in range(max(1, len(letters) // 25)):
            at = dice.randrange(len(letters))
            match dice.randrange(4):
                case 0:
                    letters[at] = ""
                case 1:
                    letters[at] *= 2
                case 2 if at:
                    letters[at - 1], letters[at] = letters[at], letters[at - 1]
                case _:
                    letters[at] = dice.choice("etaoinshrdlu") if letters[at].isalpha() else letters[at]
        text = "".join(letters).strip()
        if text:
            yield replace(exemplar, text=text)
