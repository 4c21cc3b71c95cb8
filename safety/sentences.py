"""Cutting a text into sentences while it is still arriving."""

from __future__ import annotations

import re

_END = re.compile(r"(?:[.!?…]+[\"'”’)\]*_]*(?=\s)|[。！？]+|\n)\s*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|st|vs|etc|approx|no|fig|e\.g|i\.e|a\.m|p\.m|u\.s|sr|sra|dra|ud|uds|p\. ?ej)|\b[A-Z]|(?:^|\n)\s*\d{1,2})\.$",
    re.IGNORECASE,
)


def cut_sentences(text: str, limit: int) -> tuple[tuple[str, ...], str]:
    """Return the complete sentences, each with the white space after it, and the rest that may still grow.

    Joined, they are the text again. A sentence is complete once something follows its white space, so that a cut never
    depends on where the stream was divided. A piece longer than `limit` characters is cut at white space, or hard.
    """
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if match.end() == len(text):
            break
        if _is_end(text[start : match.end()]):
            pieces.append(text[start : match.end()])
            start = match.end()
    rest = text[start:]
    whole = [part for piece in pieces for part in _bounded(piece, limit)]
    while len(rest) > limit:
        cut = _cut_at(rest, limit)
        whole.append(rest[:cut])
        rest = rest[cut:]
    return tuple(whole), rest


def _is_end(piece: str) -> bool:
    """Whether the piece ends a sentence rather than an abbreviation, an initial or a list number."""
    stripped = piece.rstrip()
    if "\n" in piece[len(stripped) :]:
        return True
    return not _ABBREVIATION.search(stripped)


def _bounded(piece: str, limit: int) -> list[str]:
    parts = []
    while len(piece) > limit:
        cut = _cut_at(piece, limit)
        parts.append(piece[:cut])
        piece = piece[cut:]
    return [*parts, piece]


def _cut_at(text: str, limit: int) -> int:
    space = text.rfind(" ", 1, limit)
    return space + 1 if space > 0 else limit
