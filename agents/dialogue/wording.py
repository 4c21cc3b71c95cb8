"""Chooses the words: fresh ones, with at most one question, and not with the opening of the reply before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.dialogue.ledger import Ledger, opening_of
from agents.dialogue.phrases import Phrase

Pool = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to say: the first pool with a fresh line that fits provides it; an empty hand says nothing."""

    pools: tuple[Pool, ...]
    slots: Mapping[str, str] = field(default_factory=dict)
    must_ask: bool = False
    """The question is the point and is put even after several questions in a row."""
    suffix: str = ""
    """Put behind the words as it is: the marker of a citation."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines shown as they are: steps, a list of tasks, numbers to call."""

    lines: tuple[str, ...]


Part = Act | Block
MOST_QUESTIONS_IN_A_ROW = 2


class Wording:
    """Words the parts of one reply; the same seed and history give the same words."""

    def __init__(self, seed: str, ledger: Ledger) -> None:
        self._seed = seed
        self._ledger = ledger
        self._asked = False

    def word(self, parts: Sequence[Part]) -> list[str]:
        """Return the pieces of the reply, in order, each with the white space after it; none when all is used up."""
        said: list[tuple[str, bool]] = []
        for part in parts:
            if isinstance(part, Block):
                said.append(("\n".join(part.lines), True))
                continue
            line = self._choose(part, first=not said)
            if line:
                self._ledger.said.add(line)
                self._asked = self._asked or "?" in line
                said.append((line + part.suffix, False))
        if not said:
            return []
        followers = [block for _, block in said[1:]]
        return [
            text + ("\n" if block or follower else " ")
            for (text, block), follower in zip(said, [*followers, False], strict=True)
        ]

    def _choose(self, act: Act, *, first: bool) -> str | None:
        for avoid_opening in (True, False) if first else (False,):
            for pool in act.pools:
                for phrase in self._shuffled(pool):
                    if self._fits(phrase, act):
                        line = phrase.fill(act.slots)
                        if not (avoid_opening and opening_of(line) == self._ledger.opening):
                            return line
        return None

    def _fits(self, phrase: Phrase, act: Act) -> bool:
        if not phrase.slots <= act.slots.keys() or phrase.said_in(self._ledger.said):
            return False
        if not phrase.asks:
            return True
        if self._asked:
            return False
        enough = self._ledger.quiet or self._ledger.questions_in_a_row >= MOST_QUESTIONS_IN_A_ROW
        return act.must_ask or not enough

    def _shuffled(self, pool: Iterable[Phrase]) -> list[Phrase]:
        return sorted(pool, key=lambda phrase: hashlib.blake2b((self._seed + phrase.text).encode()).digest())
