"""The committed exemplars: messages written for this project, each with what it is.

One JSON object a line in `data/exemplars/*.jsonl`: `text`; `category` and `severity`, both `none` for a hard negative or
ordinary talk; `style`, the voice or kind of difficulty; of a conversation also `prior`, the turns before the text
(`role`: student or companion, `content`), in whose light the label is meant.
`data/calibration.jsonl` has the same form: it is never trained on and turns the encoder's scores into probabilities.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from safety.types import Category, PriorTurn, Severity


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One labelled message."""

    text: str
    category: Category
    severity: Severity
    style: str
    prior: tuple[PriorTurn, ...] = ()
    """The turns before it, oldest first."""


class ExemplarError(ValueError):
    """An exemplar file breaks the format."""


def load_exemplars() -> list[Exemplar]:
    """Read every packaged exemplar in a fixed order, dropping exact repeats. Raises `ExemplarError`."""
    folder = files("safety").joinpath("data/exemplars")
    found: dict[tuple[str, tuple[PriorTurn, ...]], Exemplar] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".jsonl"):
            continue
        for number, line in enumerate(entry.read_text("utf-8").splitlines(), 1):
            exemplar = _parse(line, f"{entry.name}:{number}")
            known = found.setdefault((exemplar.text.lower(), exemplar.prior), exemplar)
            if (known.category, known.severity) != (exemplar.category, exemplar.severity):
                raise ExemplarError(f"{entry.name}:{number} repeats a text under another label")
    return list(found.values())


def load_calibration() -> list[Exemplar]:
    """Read the packaged calibration set. Raises `ExemplarError`."""
    lines = files("safety").joinpath("data/calibration.jsonl").read_text("utf-8").splitlines()
    return [_parse(line, f"calibration.jsonl:{number}") for number, line in enumerate(lines, 1)]


def digest(exemplars: Iterable[Exemplar]) -> str:
    """Return a SHA-256 over the exemplars in order."""
    content = "\n".join(
        json.dumps([e.text, e.category, e.severity, e.style, [(t.role, t.text) for t in e.prior]], ensure_ascii=False)
        for e in exemplars
    )
    return hashlib.sha256(content.encode()).hexdigest()


def _parse(line: str, place: str) -> Exemplar:
    try:
        row = json.loads(line)
        prior = tuple(PriorTurn(turn["role"], turn["content"]) for turn in row.get("prior", ()))
        exemplar = Exemplar(row["text"], Category(row["category"]), Severity(row["severity"]), row["style"], prior)
    except (ValueError, KeyError, TypeError) as error:
        raise ExemplarError(f"{place}: {error}") from error
    if (exemplar.category is Category.NONE) != (exemplar.severity is Severity.NONE):
        raise ExemplarError(f"{place}: category and severity are none together or not at all")
    if not exemplar.text.strip():
        raise ExemplarError(f"{place}: empty text")
    return exemplar
