"""Passages of the knowledge base for one turn."""

from __future__ import annotations

from db.access import Tx
from embedding.protocol import Vectors
from rag.documents import Status
from rag.search import Filters, Passage, search

MOST_PASSAGES = 3


async def find_passages(
    tx: Tx, query: str, vector: Vectors | None, *, embedder: str, language: str
) -> tuple[Passage, ...]:
    """Search what the student's institution may read; empty when nothing fits well enough.

    `vector` is the query's unit vector by the encoder named `embedder`; None searches by words alone.
    """
    result = await search(
        tx.conn, query, vector, embedder=embedder, filters=Filters(language=language), limit=MOST_PASSAGES
    )
    return result.passages


def is_draft(passage: Passage) -> bool:
    """Whether nobody has signed the document yet."""
    return passage.status is Status.DRAFT
