"""The statements that write the index; callers own the transaction."""

import json
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import TupleRow

from rag.chunking import Chunk
from rag.documents import Document
from rag.languages import text_configuration

Connection = psycopg.AsyncConnection[TupleRow]


def vector_literal(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it from text."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


async def set_namespace(conn: Connection, institution_id: UUID | None) -> None:
    """Act for an institution, or for shared content, until the transaction ends; one writer at a time."""
    await conn.execute(
        "select set_config('app.institution', %s, true), pg_advisory_xact_lock(hashtext('knowledge'))",
        (str(institution_id or ""),),
    )


async def delete_documents(conn: Connection, slugs: Sequence[str], institution_id: UUID | None) -> None:
    """Delete documents of one namespace with all that came from them."""
    await conn.execute(
        "delete from knowledge_documents where slug = any(%s) and institution_id is not distinct from %s",
        (list(slugs), institution_id),
    )


async def insert_document(
    conn: Connection, document: Document, digest: str, chunks: Sequence[Chunk], institution_id: UUID | None
) -> list[int]:
    """Write a document, its passages and their postings; returns the ids of the passages in order."""
    cursor = await conn.execute(
        """insert into knowledge_documents (institution_id, slug, title, skill, approach, topics, audience, cautions,
             language, status, reviewed_by, version, sources, body, digest)
           values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id""",
        (
            institution_id,
            document.slug,
            document.title,
            document.skill,
            document.approach,
            list(document.topics),
            list(document.audience),
            list(document.cautions),
            document.language,
            document.status,
            document.reviewed_by,
            document.version,
            json.dumps([source.model_dump() for source in document.sources]),
            document.body,
            digest,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  # an insert that returns gives a row
    return [await _insert_passage(conn, int(row[0]), document, part, institution_id) for part in chunks]


async def insert_vectors(
    conn: Connection,
    embedder: str,
    rows: Sequence[tuple[int, int, NDArray[np.float32]]],
    institution_id: UUID | None,
) -> None:
    """Write vectors as (passage id, item, vector)."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            """insert into knowledge_vectors (embedder, passage_id, item, institution_id, embedding)
               values (%s, %s, %s, %s, %s::vector) on conflict do nothing""",
            [(embedder, id_, item, institution_id, vector_literal(vector)) for id_, item, vector in rows],
        )


async def refresh_statistics(conn: Connection, institution_id: UUID | None, *, changed: bool) -> int:
    """Count lexemes and passages of one namespace anew if it changed, now or in an ingest that was cut short.

    Returns its number of passages.
    """
    cursor = await conn.execute(
        """with now as (
             select language, count(*) as passages, sum(length) as length from knowledge_passages
             where institution_id is not distinct from %(institution)s group by language),
           was as (
             select language, passages, length from knowledge_corpora
             where institution_id is not distinct from %(institution)s)
           select coalesce((select sum(passages) from now), 0)::int,
             exists ((table now except table was) union all (table was except table now))""",
        {"institution": institution_id},
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  # a select without from gives a row
    if changed or row[1]:
        await _recount(conn, institution_id)
    return int(row[0])


async def _recount(conn: Connection, institution_id: UUID | None) -> None:
    for table in ("knowledge_lexemes", "knowledge_corpora"):
        await conn.execute(
            psycopg.sql.SQL("delete from {} where institution_id is not distinct from %s").format(
                psycopg.sql.Identifier(table)
            ),
            (institution_id,),
        )
    await conn.execute(
        """insert into knowledge_corpora (institution_id, language, passages, length)
           select %(institution)s::uuid, language, count(*), sum(length) from knowledge_passages
           where institution_id is not distinct from %(institution)s group by language""",
        {"institution": institution_id},
    )
    await conn.execute(
        """insert into knowledge_lexemes (institution_id, language, lexeme, passages)
           select %(institution)s::uuid, p.language, o.lexeme, count(*)
           from knowledge_postings o join knowledge_passages p on p.id = o.passage_id
           where p.institution_id is not distinct from %(institution)s group by p.language, o.lexeme""",
        {"institution": institution_id},
    )


async def _insert_passage(
    conn: Connection, document_id: int, document: Document, part: Chunk, institution_id: UUID | None
) -> int:
    cursor = await conn.execute(
        """with found as (
             select lexeme, coalesce(array_length(positions, 1), 1) as occurrences
             from unnest(to_tsvector(%(configuration)s::regconfig, %(words)s))),
           size as (select coalesce(sum(occurrences), 0) as length from found),
           passage as (
             insert into knowledge_passages (document_id, institution_id, language, section, heading_path, position,
               start_offset, end_offset, text, questions, length)
             select %(document)s, %(institution)s, %(language)s, %(section)s, %(heading_path)s, %(position)s,
               %(start)s, %(end)s, %(text)s, %(questions)s, length from size
             returning id),
           posted as (
             insert into knowledge_postings (lexeme, passage_id, institution_id, occurrences, length)
             select lexeme, id, %(institution)s, occurrences, length from found, passage, size)
           select id from passage""",
        {
            "configuration": text_configuration(document.language),
            "words": "\n".join((part.contextual_text, *part.questions)),
            "document": document_id,
            "institution": institution_id,
            "language": document.language,
            "section": part.section,
            "heading_path": list(part.heading_path),
            "position": part.position,
            "start": part.start,
            "end": part.end,
            "text": part.text,
            "questions": list(part.questions),
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  # an insert that returns gives a row
    return int(row[0])
