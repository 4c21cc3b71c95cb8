"""Cut a message into sentences and into windows short enough for an encoder to see all of."""

from __future__ import annotations

import re
from dataclasses import dataclass

SINGLE_WORDS = 45
"""A message of at most this many words is its own only window."""
WINDOW_WORDS = 45
"""Words aimed at in one window of an ordinary message."""
MANY_WINDOWS = 24
"""Windows grow with the message until this many cover it or they reach `LIMIT_WORDS`; no part is ever left out."""
LIMIT_WORDS = 120
"""Words in the largest window, safely under 256 tokens."""

_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<=[。！？؟।])|\n+|\s+-\s+")
_WORD = re.compile(r"[^\W_]+(?:'\w+)?|[\u3400-\u9fff]")
_CHARACTERS = 600
"""A window holds at most this many characters, whatever its words: unspaced text is cut by length."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character positions."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """Return the sentences of `text` in order, without surrounding space; no sentence exceeds 600 characters."""
    spans: list[Span] = []
    at = 0
    for match in [*_END.finditer(text), None]:
        end = match.start() if match else len(text)
        spans += _pieces(text, at, end)
        at = match.end() if match else end
    return spans


def windows(text: str) -> list[Span]:
    """Return the windows to read: one for a short message, else runs of sentences that overlap by one sentence.

    Together they cover the whole text, however long it is.
    """
    parts = sentences(text)
    if not parts:
        return []
    counts = [len(_WORD.findall(text, part.start, part.end)) for part in parts]
    total = sum(counts)
    if total <= SINGLE_WORDS and parts[-1].end - parts[0].start <= _CHARACTERS:
        return [Span(parts[0].start, parts[-1].end)]
    return _pack(parts, counts, min(max(WINDOW_WORDS, -(-total * 3 // (2 * MANY_WINDOWS))), LIMIT_WORDS))


def spans_to_read(text: str) -> list[Span]:
    """Return what the encoder reads of a message: its only window, or the whole message and then its windows."""
    parts = windows(text)
    return parts if len(parts) < 2 else [Span(parts[0].start, parts[-1].end), *parts]


def _pack(parts: list[Span], counts: list[int], size: int) -> list[Span]:
    found: list[Span] = []
    first = 0
    while first < len(parts):
        last, words = first, counts[first]
        while (
            last + 1 < len(parts)
            and words + counts[last + 1] <= size
            and parts[last + 1].end - parts[first].start <= _CHARACTERS
        ):
            last += 1
            words += counts[last]
        found.append(Span(parts[first].start, parts[last].end))
        if last + 1 == len(parts):
            break
        # A thought often runs over two sentences: the last one is seen again with what follows.
        first = last if last > first and counts[last] <= size // 3 else last + 1
    return found


def _pieces(text: str, start: int, end: int) -> list[Span]:
    """Strip the range and cut it at spaces where it is longer than a window may be."""
    spans: list[Span] = []
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start == end:
            break
        cut = end
        if end - start > _CHARACTERS or len(_WORD.findall(text, start, end)) > LIMIT_WORDS:
            cut = _cut(text, start, min(end, start + _CHARACTERS))
        spans.append(Span(start, cut))
        start = cut
    return spans


def _cut(text: str, start: int, end: int) -> int:
    words = list(_WORD.finditer(text, start, end))[:LIMIT_WORDS]
    if len(words) < 2:
        return end
    return words[-1].start() if words[-1].start() > start else end
