"""The gate between a draft and the student: text goes in, reviewed sentences come out.

A model node has no other way to speak. What fails review is replaced before anything leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.state import CitedPassage, ReviewedSentence, ToolActivity, TurnEvent
from safety.review import ReviewBuffer, ReviewContext
from safety.triage.facts import DeliveryFacts

MARKER = re.compile(r"\s*\[(\d{1,2})\]")
"""`[2]` in a draft points at the second passage that was found in this turn; the student sees a citation instead."""


class Gate:
    """Buffers a draft, reviews each sentence as it ends and emits what passed.

    One gate serves one turn. `write` receives the events in the order in which the student sees them.
    """

    def __init__(
        self, write: Callable[[TurnEvent], None], language: str, delivery: DeliveryFacts | None = None
    ) -> None:
        self._write = write
        self._context = ReviewContext(language=language, delivery=delivery or DeliveryFacts())
        self._review = ReviewBuffer(self._context)
        self._passages: list[CitedPassage] = []
        self._cited: set[str] = set()
        self.said: list[str] = []
        """Sentences that left, in order."""

    @property
    def stopped(self) -> bool:
        """Whether review ended the reply: nothing more of it will be shown."""
        return self._review.stopped

    def feed(self, text: str) -> None:
        """Take in a piece of a draft; emits every sentence that it completes."""
        for sentence in self._review.feed(text):
            self._emit(sentence)

    def close(self) -> None:
        """The draft has ended: review and emit what is still buffered."""
        for sentence in self._review.finish():
            self._emit(sentence)

    def drop(self) -> None:
        """The draft broke off: forget the unfinished sentence."""
        self._review = ReviewBuffer(self._context)

    def report(self, activity: ToolActivity) -> None:
        """Tell the student which tool was used."""
        self._write(activity)

    def offer(self, passage: CitedPassage) -> int:
        """Register a passage that the draft may cite; returns the number of its marker, from 1."""
        for number, known in enumerate(self._passages, start=1):
            if known.anchor == passage.anchor:
                return number
        self._passages.append(passage)
        return len(self._passages)

    def _emit(self, sentence: str) -> None:
        markers = [int(number) for number in MARKER.findall(sentence)]
        bare = MARKER.sub("", sentence)
        text = bare.strip()
        if text:
            self.said.append(text)
            self._write(ReviewedSentence(text, "\n" if "\n" in bare[len(bare.rstrip()) :] else " "))
        for number in markers:
            self._cite(number)

    def _cite(self, number: int) -> None:
        if not 1 <= number <= len(self._passages):
            return
        passage = self._passages[number - 1]
        if passage.anchor not in self._cited:
            self._cited.add(passage.anchor)
            self._write(passage)
