"""What the answers of the script say in a counselor's words, and which of them need somebody now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from safety.triage.state import Answer

_FILE = Path(__file__).parent / "meanings.yaml"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the answers to one question say."""

    says: Mapping[str, str]
    grave: frozenset[str]


@cache
def load_meanings() -> Mapping[str, Mapping[str, Meaning]]:
    """Read the packaged words: first thing to know -> question -> meaning."""
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        section: {item: Meaning(known["says"], frozenset(known["grave"])) for item, known in items.items()}
        for section, items in data["sections"].items()
    }


def meaning(item: str, value: str) -> str | None:
    """Return what an answer says; None where the question or the answer is not among the first things to know."""
    known = _of(item)
    return known.says.get(value) if known else None


def is_grave(item: str, value: str) -> bool:
    """Whether an answer needs somebody now; what was said instead of an answer counts like a doubt."""
    known = _of(item)
    return known is not None and (Answer.UNSURE if value == Answer.SAID else value) in known.grave


def _of(item: str) -> Meaning | None:
    return next((items[item] for items in load_meanings().values() if item in items), None)
