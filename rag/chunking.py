"""Cuts a document into passages that stand alone: by heading first, then by meaning within a token budget."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from markdown_it import MarkdownIt
from semchunk.semchunk import chunkerify

from rag.documents import Document, slugify
from rag.errors import InvalidDocument

CHUNKING_VERSION = 1
"""Raised when the same text would be cut differently, so that everything is indexed anew."""
PASSAGE_TOKENS = 220
FRAMING_TOKENS = 4
"""Room for the encoder's framing and the line between heading path and text."""
LEAST_TOKENS = 48
"""A passage may use this many, however long its heading path."""
NOT_SEARCHED = frozenset({"sources", "references"})
"""Sections that are shown on the page but answer no question."""

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading, the heading's own line included in neither end."""

    slug: str
    """Its anchor on the document's page, unique within the document."""
    heading_path: tuple[str, ...]
    """The document's title, then the headings that lead here."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage before it is indexed: `document.body[start:end] == text`."""

    text: str
    heading_path: tuple[str, ...]
    section: str
    position: int
    """Counts the passages of the document from 0."""
    start: int
    end: int
    questions: tuple[str, ...]
    """Questions in students' words that its section answers; carried by the section's first passage."""

    @property
    def contextual_text(self) -> str:
        """What the encoder and the text index see."""
        return contextual_text(self.heading_path, self.text)


def contextual_text(heading_path: Sequence[str], text: str) -> str:
    """A passage's text under its heading path, without which many passages do not say what they are about."""
    return f"{' > '.join(heading_path)}\n{text}".strip()


def sections_of(document: Document) -> list[Section]:
    """The sections of a document in order, empty ones included; pages use the same slugs as ids."""
    body = document.body
    headings = _headings(body)
    taken: set[str] = set()
    path: list[_Heading] = []
    sections = []
    preamble_end = headings[0].start if headings else len(body)
    if body[:preamble_end].strip():
        sections.append(Section(_unique(document.title, taken), (document.title,), 0, preamble_end))
    for heading, end in zip(headings, [*(later.start for later in headings[1:]), len(body)], strict=False):
        path = [above for above in path if above.level < heading.level]
        if heading.text != document.title:
            path.append(heading)
        heading_path = (document.title, *(step.text for step in path))
        sections.append(Section(_unique(heading.text, taken), heading_path, heading.end, end))
    return sections


def chunk(document: Document, count_tokens: CountTokens, max_tokens: int = 256) -> list[Chunk]:
    """Cut a document into passages of at most `PASSAGE_TOKENS` tokens.

    `max_tokens` is what the encoder sees of heading path and text together. Raises `InvalidDocument` when a question
    names a section that is not there.
    """
    questions = _questions_by_section(document)
    passages: list[Chunk] = []
    for section in sections_of(document):
        heading = section.heading_path[-1]
        asks = questions.pop(heading.casefold(), ())
        if heading.casefold() in NOT_SEARCHED:
            continue
        room = max_tokens - FRAMING_TOKENS - count_tokens(" > ".join(section.heading_path))
        budget = max(LEAST_TOKENS, min(PASSAGE_TOKENS, room))
        for start, end in _spans(document.body, section, count_tokens, budget):
            passages.append(
                Chunk(document.body[start:end], section.heading_path, section.slug, len(passages), start, end, asks)
            )
            asks = ()
    if questions:
        raise InvalidDocument(f"{document.slug}: questions name the missing section {next(iter(questions))!r}.")
    return passages


def _questions_by_section(document: Document) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for question in document.questions:
        key = question.section.strip().casefold()
        found[key] = (*found.get(key, ()), question.ask)
    return found


def _spans(body: str, section: Section, count_tokens: CountTokens, budget: int) -> list[tuple[int, int]]:
    """Offsets of the pieces of one section, without the white space around them."""
    source = body[section.start : section.end]
    if not source.strip():
        return []
    chunker = chunkerify(count_tokens, budget)
    _, offsets = cast("tuple[list[str], list[tuple[int, int]]]", chunker(source, offsets=True))
    spans = []
    for start, end in offsets:
        piece = source[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if left < right:
            spans.append((section.start + left, section.start + right))
    return spans


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str
    start: int
    end: int


def _headings(body: str) -> list[_Heading]:
    """The headings outside quotes and lists, with the offsets of the lines they take."""
    # Markdown ends a line at these three only; `str.splitlines` knows more.
    line_starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", body)), len(body)]
    return [
        _Heading(int(token.tag[1]), inline.content.strip(), line_starts[token.map[0]], line_starts[token.map[1]])
        for token, inline in pairwise(MarkdownIt().parse(body))
        if token.type == "heading_open" and token.map and token.level == 0
    ]


def _unique(heading: str, taken: set[str]) -> str:
    base = slugify(heading)
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug
