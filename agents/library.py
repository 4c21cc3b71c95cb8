"""Passages of the knowledge base for one turn."""

from __future__ import annotations

from db.access import Tx
from embedding.protocol import Vectors
from rag.documents import Status
from rag.ranking import default_ranking
from rag.search import Filters, Passage, search

MOST_PASSAGES = 3
STEPS = "try-this-now"
"""The section of every page that holds the steps of its skill."""
NO_SKILLS = frozenset({"cautions", "when-to-get-help", "sources"})
"""Sections that mention much and are about something else: likeness to them does not make a page fit."""
FITS_FROM = 0.58
"""Score from which a page's skill may be shown. Set on the topics of the dialogue: the right pages reached .59 to 1.25,
the best wrong one .56."""


async def find_passages(
    tx: Tx,
    query: str,
    vector: Vectors | None,
    *,
    embedder: str,
    language: str,
    without: frozenset[str] = frozenset(),
) -> tuple[Passage, ...]:
    """Search what the student's institution may read; empty when nothing fits well enough.

    `vector` is the query's unit vector by the encoder named `embedder`; None searches by words alone. `without` names
    approaches that the student does not want.
    """
    filters = Filters(language=language, exclude_approaches=without)
    return (await search(tx.conn, query, vector, embedder=embedder, filters=filters, limit=MOST_PASSAGES)).passages


async def find_skill(
    tx: Tx,
    query: str,
    vector: Vectors | None,
    *,
    embedder: str,
    language: str,
    without: frozenset[str] = frozenset(),
) -> tuple[Passage, ...]:
    """Return the steps of the page that fits best, in one search; empty when no page fits well enough."""
    open_ranking = default_ranking().model_copy(update={"abstain_below": {}, "abstain_below_text_only": 0.0})
    found = await search(
        tx.conn,
        query,
        vector,
        embedder=embedder,
        filters=Filters(language=language, exclude_approaches=without, per_document=8),
        limit=40,
        ranking=open_ranking,
    )
    fits = (p.slug for p in found.passages if p.section not in NO_SKILLS and p.score >= FITS_FROM)
    steps = {p.slug: p for p in found.passages if p.section == STEPS}
    best = next((steps[slug] for slug in fits if slug in steps), None)
    return (best,) if best else ()


def is_draft(passage: Passage) -> bool:
    """Whether nobody has signed the document yet."""
    return passage.status is Status.DRAFT
