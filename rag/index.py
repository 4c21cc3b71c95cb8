"""Keeps the index in step with the documents: idempotent, resumable, and never holding a transaction while encoding."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from embedding.protocol import Embedder
from rag.chunking import CHUNKING_VERSION, Chunk, chunk, contextual_text
from rag.documents import Document
from rag.store import delete_documents, insert_document, insert_vectors, refresh_statistics, set_namespace

Connection = psycopg.AsyncConnection[TupleRow]
Progress = Callable[[str], None]

DOCUMENTS_PER_BATCH = 8
PASSAGES_PER_BATCH = 64
EXACT_UP_TO = 20_000
"""Vectors up to which an exact scan beats an approximate index."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest changed."""

    written: int
    unchanged: int
    deleted: int
    passages: int
    """Passages of the namespace afterwards."""
    encoded: int
    """Passages whose vectors were made, for new text or for a new encoder."""


async def ingest(
    conn: Connection,
    documents: Sequence[Document],
    embedder: Embedder,
    *,
    institution_id: UUID | None = None,
    complete: bool = False,
    progress: Progress = lambda _: None,
) -> IngestReport:
    """Index what is new or changed and give every passage of the namespace vectors of `embedder`.

    `conn` is logged in as worker or owner and has no transaction open: each batch is one of its own, so an ingest that
    is cut short goes on where it ended. `institution_id` None is content shared by all. With `complete`, `documents` is
    the whole namespace and what is missing from it is deleted. Raises `InvalidDocument` before anything is written and
    `EmbeddingUnavailable`.
    """
    known = await _known_digests(conn, institution_id)
    changed = [document for document in documents if known.get(document.slug) != _digest(document)]
    chunked = [(document, chunk(document, embedder.count_tokens, embedder.max_tokens)) for document in changed]
    vanished = sorted(set(known) - {document.slug for document in documents}) if complete else []
    for start in range(0, len(chunked), DOCUMENTS_PER_BATCH):
        batch = chunked[start : start + DOCUMENTS_PER_BATCH]
        progress(f"Indexing documents {start + 1}-{start + len(batch)} of {len(chunked)}")
        await _write(conn, batch, embedder, institution_id)
    encoded = sum(len(chunks) for _, chunks in chunked) + await _encode_missing(
        conn, embedder, institution_id, progress
    )
    async with conn.transaction():
        await set_namespace(conn, institution_id)
        await delete_documents(conn, vanished, institution_id)
        passages = await refresh_statistics(conn, institution_id, changed=bool(changed or vanished))
    if encoded and await ensure_ann_index(conn, embedder):
        progress("Built an approximate index for the vectors")
    return IngestReport(len(changed), len(documents) - len(changed), len(vanished), passages, encoded)


async def ensure_ann_index(conn: Connection, embedder: Embedder, exact_up_to: int = EXACT_UP_TO) -> bool:
    """Refresh the planner's statistics and build an encoder's HNSW index once vectors number over `exact_up_to`.

    Returns whether one was built. Searching through it under a filter needs `hnsw.iterative_scan`, which
    `rag.search.prepare_connection` sets.
    """
    async with conn.transaction():
        cursor = await conn.execute(
            "select knowledge_maintain(%s, %s, %s)", (embedder.name, embedder.dimensions, exact_up_to)
        )
        row = await cursor.fetchone()
    return bool(row and row[0])


async def forget_encoders(conn: Connection, keep: Embedder) -> int:
    """Delete the vectors of every other encoder, once no process searches with them; returns how many went."""
    async with conn.transaction():
        return (await conn.execute("delete from knowledge_vectors where embedder <> %s", (keep.name,))).rowcount


def vector_texts(heading_path: Sequence[str], text: str, questions: Sequence[str]) -> list[str]:
    """What is encoded for a passage: its text under its heading path, then each of its questions."""
    return [contextual_text(heading_path, text), *questions]


def _digest(document: Document) -> str:
    return f"{CHUNKING_VERSION}:{document.digest}"


async def _known_digests(conn: Connection, institution_id: UUID | None) -> dict[str, str]:
    async with conn.transaction():
        await set_namespace(conn, institution_id)
        cursor = await conn.execute(
            "select slug, digest from knowledge_documents where institution_id is not distinct from %s",
            (institution_id,),
        )
        return dict(await cursor.fetchall())


async def _write(
    conn: Connection, batch: Sequence[tuple[Document, list[Chunk]]], embedder: Embedder, institution_id: UUID | None
) -> None:
    """Encode a batch, then replace its documents in one short transaction."""
    texts = [vector_texts(part.heading_path, part.text, part.questions) for _, parts in batch for part in parts]
    vectors = iter(await asyncio.to_thread(embedder.encode, [text for group in texts for text in group]))
    async with conn.transaction():
        await set_namespace(conn, institution_id)
        await delete_documents(conn, [document.slug for document, _ in batch], institution_id)
        groups = iter(texts)
        for document, parts in batch:
            ids = await insert_document(conn, document, _digest(document), parts, institution_id)
            rows = [(id_, item, next(vectors)) for id_ in ids for item in range(len(next(groups)))]
            await insert_vectors(conn, embedder.name, rows, institution_id)


async def _encode_missing(conn: Connection, embedder: Embedder, institution_id: UUID | None, progress: Progress) -> int:
    """Give passages that only another encoder knows their vectors, beside the old ones; returns how many."""
    done = 0
    while True:
        async with conn.transaction():
            await set_namespace(conn, institution_id)
            cursor = await conn.execute(
                """select p.id, p.heading_path, p.text, p.questions from knowledge_passages p
                   where p.institution_id is not distinct from %s and not exists (
                     select from knowledge_vectors v where v.embedder = %s and v.passage_id = p.id)
                   order by p.id limit %s""",
                (institution_id, embedder.name, PASSAGES_PER_BATCH),
            )
            missing = await cursor.fetchall()
        if not missing:
            return done
        texts = [(id_, item, text) for id_, *rest in missing for item, text in enumerate(vector_texts(*rest))]
        vectors = await asyncio.to_thread(embedder.encode, [text for _, _, text in texts])
        rows = [(id_, item, vector) for (id_, item, _), vector in zip(texts, vectors, strict=True)]
        async with conn.transaction():
            await set_namespace(conn, institution_id)
            await insert_vectors(conn, embedder.name, rows, institution_id)
        done += len(missing)
        progress(f"Encoded {done} passages anew")
