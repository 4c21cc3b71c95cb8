"""The index and its one search statement, on a real PostgreSQL under the service's own roles."""

import dataclasses
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from psycopg import sql

from db.embedded import EmbeddedPostgres, clone_database, drop_database, ensure_database, start_postgres
from db.migrate import migrate
from db.roles import APP, OWNER, WORKER
from embedding.protocol import Vectors
from rag.documents import Document, parse_document
from rag.errors import InvalidDocument
from rag.index import Connection, ensure_ann_index, forget_encoders, ingest
from rag.ranking import default_ranking
from rag.search import Filters, SearchResult, prepare_connection, search

SLEEP = """---
title: Sleep wind-down
questions: [{ask: why am i awake at 3am, section: Try this now}]
cautions: [bipolar]
---
# Sleep wind-down

## What it is

A wind-down is a quiet routine before bed.

## Try this now

Dim the lamps, put the phone away, read something dull.

## Why it helps

A routine before bed tells the body that the day is over.
"""
STUDY = """---
title: Study together
audience: [international]
---
# Study together

## How

A routine with others: meet in the library and read aloud.
"""
PARKING = "# Parking\n\nPermits are sold at the north gate."


class WordEmbedder:
    """Bag of hashed words: real similarity without a model."""

    max_tokens = 256

    def __init__(self, name: str = "words@1", dimensions: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions
        self.encoded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
                vectors[row, int.from_bytes(digest, "big") % self.dimensions] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = start_postgres(tmp_path_factory.mktemp("search") / "pg")
    ensure_database(server, "template_search")
    migrate(server.dsn(OWNER, "template_search"))
    yield server
    server.stop()


@pytest.fixture
def database(server: EmbeddedPostgres) -> Iterator[str]:
    name = f"search_{uuid4().hex}"
    clone_database(server, "template_search", name)
    yield name
    drop_database(server, name)


@pytest.fixture
async def worker(server: EmbeddedPostgres, database: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(server.dsn(WORKER, database)) as conn:
        yield conn


@pytest.fixture
async def app(server: EmbeddedPostgres, database: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(server.dsn(APP, database)) as conn:
        await prepare_connection(conn)
        await conn.commit()
        yield conn


def documents(*texts: str) -> list[Document]:
    return [parse_document(text, f"document-{number}") for number, text in enumerate(texts)]


async def ask(
    conn: Connection,
    query: str,
    embedder: WordEmbedder | None = None,
    filters: Filters | None = None,
    institution: UUID | None = None,
    limit: int = 10,
    blind: bool = False,
) -> SearchResult:
    embedder = embedder or WordEmbedder()
    async with conn.transaction():
        await conn.execute("select set_config('app.institution', %s, true)", (str(institution or ""),))
        vector = None if blind else embedder.encode([query])[0]
        return await search(conn, query, vector, embedder=embedder.name, filters=filters, limit=limit)


def found(result: SearchResult) -> list[str]:
    return [passage.anchor for passage in result.passages]


async def test_finds_the_section_and_cites_it(worker: Connection, app: Connection) -> None:
    report = await ingest(worker, documents(SLEEP, STUDY, PARKING), WordEmbedder(), complete=True)
    assert (report.written, report.passages, report.encoded) == (3, 5, 5)
    best = (await ask(app, "dim the lamps and the phone")).passages[0]
    assert best.anchor == "document-0#try-this-now"
    assert best.citation == "Sleep wind-down · Try this now"
    assert best.href == "/library/document-0#try-this-now"
    assert best.cautions == ("bipolar",)
    assert best.shared


async def test_a_question_in_the_students_words_finds_its_section(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder())
    assert found(await ask(app, "why am i awake at 3am"))[0] == "document-0#try-this-now"


async def test_ingesting_again_changes_nothing_and_encodes_nothing(worker: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder(), complete=True)
    again = WordEmbedder()
    report = await ingest(worker, documents(SLEEP, STUDY), again, complete=True)
    assert (report.written, report.unchanged, report.deleted, again.encoded) == (0, 2, 0, [])


async def test_changes_and_deletions_reach_every_table(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY, PARKING), WordEmbedder(), complete=True)
    report = await ingest(worker, documents(SLEEP.replace("lamps", "screens"), STUDY), WordEmbedder(), complete=True)
    assert (report.written, report.unchanged, report.deleted) == (1, 1, 1)
    assert (await ask(app, "permits north gate", blind=True)).abstained
    assert (await ask(app, "lamps", blind=True)).abstained
    assert found(await ask(app, "screens", blind=True)) == ["document-0#try-this-now"]
    counts = """select (select sum(passages) from knowledge_corpora) = (select count(*) from knowledge_passages),
        (select sum(length) from knowledge_corpora) = (select sum(occurrences) from knowledge_postings),
        (select sum(passages) from knowledge_lexemes) = (select count(*) from knowledge_postings),
        not exists (select from knowledge_lexemes where lexeme = 'permit')"""
    assert await (await app.execute(counts)).fetchone() == (True, True, True, True)


async def test_part_of_a_namespace_deletes_nothing(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder(), complete=True)
    report = await ingest(worker, [parse_document(PARKING, "parking")], WordEmbedder())
    assert (report.written, report.deleted, report.passages) == (1, 0, 5)


async def test_a_bad_document_is_refused_before_anything_is_written(worker: Connection, app: Connection) -> None:
    bad = SLEEP.replace("section: Try this now", "section: Nowhere")
    with pytest.raises(InvalidDocument):
        await ingest(worker, documents(PARKING, bad), WordEmbedder())
    assert (await ask(app, "permits north gate")).passages == ()


async def test_an_ingest_cut_short_goes_on_where_it_ended(worker: Connection, app: Connection) -> None:
    class Failing(WordEmbedder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            if any("Permits" in text for text in texts):
                raise RuntimeError("killed")
            return super().encode(texts)

    many = documents(*(SLEEP for _ in range(8)), PARKING)
    with pytest.raises(RuntimeError):
        await ingest(worker, many, Failing(), complete=True)
    report = await ingest(worker, many, WordEmbedder(), complete=True)
    assert (report.written, report.unchanged) == (1, 8)
    assert not (await ask(app, "dim lamps", blind=True)).abstained


async def test_says_when_it_has_nothing(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder())
    embedder = WordEmbedder()
    ranking = default_ranking().model_copy(update={"abstain_below": {"words": 0.3}})
    query = "quantum chromodynamics homework"
    result = await search(app, query, embedder.encode([query])[0], embedder=embedder.name, ranking=ranking)
    assert (result.abstained, result.passages) == (True, ())
    assert result.best_score < 0.3


@pytest.mark.parametrize(
    "query", ["", "   ", "'; drop table x; --", "the of and", "\u2028", "a" * 100_000, "%s {x} :y"]
)
async def test_odd_queries_are_only_words(worker: Connection, app: Connection, query: str) -> None:
    await ingest(worker, documents(SLEEP), WordEmbedder())
    assert len((await ask(app, query)).passages) <= 2


async def test_search_in_an_empty_index_abstains(app: Connection) -> None:
    assert (await ask(app, "sleep")).abstained


async def test_at_most_so_many_passages_of_one_document(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder())
    assert [a.split("#")[0] for a in found(await ask(app, "routine before bed"))].count("document-0") == 2
    one = await ask(app, "routine before bed", filters=Filters(per_document=1))
    assert sorted(a.split("#")[0] for a in found(one)) == ["document-0", "document-1"]


async def test_filters(worker: Connection, app: Connection) -> None:
    german = "---\nlanguage: de\n---\n# Schlaf\n\nEine ruhige Routine vor dem Einschlafen."
    await ingest(worker, documents(SLEEP, STUDY, german), WordEmbedder())

    async def slugs(**fields: object) -> set[str]:
        result = await ask(app, "routine", filters=dataclasses.replace(Filters(), **fields))
        return {anchor.split("#")[0] for anchor in found(result)}

    assert await slugs() == {"document-0", "document-1"}
    assert await slugs(audience=frozenset({"first_generation"})) == {"document-0"}
    assert await slugs(audience=frozenset({"international"})) == {"document-0", "document-1"}
    assert await slugs(exclude_cautions=frozenset({"bipolar"})) == {"document-1"}
    assert await slugs(language="de") == {"document-2"}


async def test_without_an_encoder_words_still_find(worker: Connection, app: Connection) -> None:
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder())
    assert found(await ask(app, "dim the lamps", blind=True)) == ["document-0#try-this-now"]


async def test_a_campus_sees_shared_and_its_own_documents_only(worker: Connection, app: Connection) -> None:
    mine, other = uuid4(), uuid4()
    await ingest(worker, documents(SLEEP), WordEmbedder(), complete=True)
    await ingest(worker, [parse_document(PARKING, "parking")], WordEmbedder(), institution_id=mine, complete=True)
    result = await ask(app, "permits at the north gate", institution=mine)
    assert found(result)[0] == "parking#parking"
    assert not result.passages[0].shared
    for institution in (other, None):
        assert "parking#parking" not in found(await ask(app, "permits at the north gate", institution=institution))
        assert (await ask(app, "permits", institution=institution, blind=True)).abstained
    for table in ("documents", "passages", "vectors", "postings", "lexemes", "corpora"):
        count = sql.SQL("select count(*) from {} where institution_id is not null").format(
            sql.Identifier(f"knowledge_{table}")
        )
        assert await (await app.execute(count)).fetchone() == (0,), table


async def test_a_campus_replaces_a_shared_document_for_itself(worker: Connection, app: Connection) -> None:
    mine = uuid4()
    own = parse_document("# Sleep here\n\nQuiet hours begin at ten.", "document-0")
    await ingest(worker, documents(SLEEP, STUDY), WordEmbedder(), complete=True)
    await ingest(worker, [own], WordEmbedder(), institution_id=mine, complete=True)
    assert "document-0#try-this-now" not in found(await ask(app, "dim the lamps", institution=mine))
    assert found(await ask(app, "dim the lamps"))[0] == "document-0#try-this-now"


async def test_the_app_cannot_write_and_a_campus_worker_cannot_touch_what_is_shared(
    worker: Connection, app: Connection
) -> None:
    await ingest(worker, documents(SLEEP), WordEmbedder())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with app.transaction():
            await app.execute("delete from knowledge_documents")
    async with worker.transaction():
        await worker.execute("select set_config('app.institution', %s, true)", (str(uuid4()),))
        assert (await worker.execute("delete from knowledge_documents")).rowcount == 0


async def test_encoders_change_without_downtime(worker: Connection, app: Connection) -> None:
    old, new = WordEmbedder("words@1", 256), WordEmbedder("words@2", 128)
    await ingest(worker, documents(SLEEP, STUDY), old)
    report = await ingest(worker, documents(SLEEP, STUDY), new)
    assert (report.unchanged, report.encoded) == (2, 4)
    for embedder in (old, new):
        assert found(await ask(app, "dim the lamps", embedder))[0] == "document-0#try-this-now"
    assert await forget_encoders(worker, new) == 5
    assert found(await ask(app, "dim the lamps", old))[0] == "document-0#try-this-now"


async def test_a_filter_over_the_approximate_index_still_finds(worker: Connection, app: Connection) -> None:
    crowd = [
        # Words that only the encoder sees, the text index skips them: the dense leg is on its own.
        parse_document(
            f"---\ncautions: [bipolar]\n---\n# Lamp {n}\n\nBefore and after, a{n} b{n} c{n}.", f"crowd-{n:03}"
        )
        for n in range(600)
    ]
    needle = parse_document("# Curtains\n\nClose them before it is dark.", "needle")
    embedder = WordEmbedder()
    await ingest(worker, [*crowd, needle], embedder, complete=True)
    assert not await ensure_ann_index(worker, embedder)
    assert await ensure_ann_index(worker, embedder, exact_up_to=100)
    assert not await ensure_ann_index(worker, embedder, exact_up_to=100)
    # A few hundred vectors would be sorted rather than looked up in the index; it is the index that is tested.
    await app.execute("set enable_sort = off")
    await app.commit()
    result = await ask(app, "before and after", embedder, Filters(exclude_cautions=frozenset({"bipolar"})))
    assert found(result) == ["needle#curtains"]
