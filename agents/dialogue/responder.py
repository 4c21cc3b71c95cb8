"""The embedded responder: understand, plan, act, word. Pure: the same situation and results give the same reply."""

from __future__ import annotations

from dataclasses import dataclass

from agents.dialogue.acts import compose
from agents.dialogue.ledger import read_ledger
from agents.dialogue.phrases import Phrasebook
from agents.dialogue.plan import decide
from agents.dialogue.situation import Call, Result, Situation
from agents.dialogue.understand import Reader
from agents.dialogue.wording import Act, Wording


@dataclass(frozen=True, slots=True)
class Step:
    """What the responder does next: use tools, or say the pieces, each with the white space after it."""

    calls: tuple[Call, ...] = ()
    pieces: tuple[str, ...] = ()


class Responder:
    """Answers without a language model."""

    def __init__(self, reader: Reader, book: Phrasebook) -> None:
        self._reader = reader
        self._book = book

    @property
    def version(self) -> str:
        """Version of the phrases, stored with the turn."""
        return self._book.version

    def step(self, situation: Situation, results: tuple[Result, ...]) -> Step:
        """Return the tool calls of the plan; once their results are in, the words."""
        ledger = read_ledger(situation, self._reader, self._book)
        plan = decide(situation, ledger)
        if len(results) < len(plan.calls):
            return Step(calls=plan.calls)
        wording = Wording(situation.seed, ledger)
        if situation.already_said:
            return Step(pieces=tuple(wording.word([Act((self._book.acts["cut_off"],))])))
        words = wording.word(compose(plan, situation, ledger, results, self._book))
        return Step(pieces=tuple(words or wording.word([Act((self._book.acts["bare"],))]) or ("…",)))
