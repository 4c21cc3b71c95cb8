"""Finds the passages that answer a message, or says that there are none."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from psycopg.rows import TupleRow, class_row

from rag import citations
from rag.documents import Status
from rag.languages import text_configuration
from rag.ranking import Ranking, default_ranking
from rag.store import vector_literal

Connection = psycopg.AsyncConnection[TupleRow]

LONGEST_QUERY = 4_000
"""Characters of a message that the text leg reads; beyond them more words only blur it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be found, besides what row-level security allows."""

    language: str = "en"
    audience: frozenset[str] | None = None
    """Groups the student belongs to; documents for everybody always count. None asks for no group in particular."""
    exclude_cautions: frozenset[str] = frozenset()
    """Conditions of this student: documents that caution against one are left out."""
    exclude_approaches: frozenset[str] = frozenset()
    """Approaches this student does not want: documents of theirs are left out, general ones stay."""
    per_document: int = 2
    """Passages of one document at most."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that answers, with all that a citation needs."""

    id: int
    slug: str
    title: str
    section: str
    heading_path: tuple[str, ...]
    text: str
    score: float
    """Cosine similarity plus weighted coverage of the question's words."""
    status: Status
    skill: str | None
    cautions: tuple[str, ...]
    shared: bool
    """False for an institution's own document."""

    @property
    def anchor(self) -> str:
        """Stable name of the section: `slug#section`."""
        return citations.anchor(self.slug, self.section)

    @property
    def citation(self) -> str:
        """Label of the citation as the student sees it."""
        return citations.label(self.title, self.heading_path)

    @property
    def href(self) -> str:
        """Where the section opens."""
        return citations.href(self.anchor)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Passages, best first; none when `abstained`, which is to be said plainly."""

    passages: tuple[Passage, ...]
    abstained: bool
    best_score: float
    """Score of the best candidate, given or withheld; 0 when there was none."""


async def search(
    conn: Connection,
    query: str,
    vector: NDArray[np.float32] | None,
    *,
    embedder: str,
    filters: Filters | None = None,
    limit: int = 4,
    ranking: Ranking | None = None,
) -> SearchResult:
    """Search the knowledge that the acting institution may read, in one statement.

    `vector` is the query's unit vector, made by the encoder named `embedder`; None searches by words alone. Abstains
    when no passage reaches the calibrated score. Runs inside the caller's transaction, which has set `app.institution`.
    """
    filters = filters or Filters()
    ranking = ranking or default_ranking()
    statement = _statement(embedder, 1 if vector is None else len(vector))
    audience = None if filters.audience is None else sorted(filters.audience | {"all"})
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        await cursor.execute(
            statement,
            {
                "query": query[:LONGEST_QUERY],
                "vector": None if vector is None else vector_literal(vector),
                "language": filters.language,
                "configuration": text_configuration(filters.language),
                "audience": audience,
                "exclude_cautions": sorted(filters.exclude_cautions),
                "exclude_approaches": sorted(filters.exclude_approaches),
                "per_document": filters.per_document,
                "candidates": ranking.candidates,
                "query_terms": ranking.query_terms,
                "dense_weight": ranking.dense_weight,
                "text_weight": ranking.text_weight if vector is not None else 1.0,
                "limit": limit,
            },
        )
        rows = await cursor.fetchall()
    best = rows[0].score if rows else 0.0
    enough = ranking.threshold(None if vector is None else embedder)
    passages = tuple(row.passage() for row in rows if row.score >= enough)
    return SearchResult(passages, abstained=not passages, best_score=best)


async def prepare_connection(conn: Connection) -> None:
    """Set up a pooled connection once: without iterative scan a filter over HNSW silently returns almost nothing."""
    await conn.execute("set hnsw.iterative_scan = strict_order")
    await conn.execute("set hnsw.ef_search = 100")


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    slug: str
    title: str
    section: str
    heading_path: list[str]
    text: str
    score: float
    status: str
    skill: str | None
    cautions: list[str]
    shared: bool

    def passage(self) -> Passage:
        return Passage(
            id=self.id,
            slug=self.slug,
            title=self.title,
            section=self.section,
            heading_path=tuple(self.heading_path),
            text=self.text,
            score=self.score,
            status=Status(self.status),
            skill=self.skill,
            cautions=tuple(self.cautions),
            shared=self.shared,
        )


@cache
def _statement(embedder: str, dimensions: int) -> sql.Composed:
    """The statement for one encoder; its name and dimensions are literals so that the planner finds its index."""
    text = Path(__file__).with_name("search.sql").read_text(encoding="utf-8")
    return sql.SQL(text).format(embedder=sql.Literal(embedder), dimensions=sql.Literal(dimensions))
