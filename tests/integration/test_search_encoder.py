"""The embedded encoder itself, exported once into the project's own folder."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from db.embedded import ensure_database, start_postgres
from db.migrate import migrate
from db.roles import APP, OWNER, WORKER
from embedding.export import export_encoder
from embedding.manifest import verify_manifest
from embedding.onnx import OnnxEmbedder
from rag.documents import read_documents
from rag.index import ingest
from rag.search import search

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(export_encoder(ROOT / ".companion", print))


@pytest.fixture(scope="module")
def dsns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    server = start_postgres(tmp_path_factory.mktemp("encoder") / "pg")
    ensure_database(server, "encoder")
    migrate(server.dsn(OWNER, "encoder"))
    yield server.dsn(WORKER, "encoder"), server.dsn(APP, "encoder")
    server.stop()


def test_vectors_match_the_reference_in_any_company(embedder: OnnxEmbedder) -> None:
    directory = export_encoder(ROOT / ".companion", print)
    verify_manifest(directory)
    reference = json.loads((directory / "reference.json").read_text())
    padded = embedder.encode([*reference, "word " * 400])[: len(reference)]
    alone = np.concatenate([embedder.encode([text]) for text in reference])
    for vectors in (padded, alone):
        assert (np.sum(vectors * np.array(list(reference.values())), axis=1) > 0.9999).all()


def test_text_beyond_the_limit_is_cut_not_padded_over(embedder: OnnxEmbedder) -> None:
    long, longer = "sleep " * 254, "sleep " * 254 + "volcano " * 400
    assert embedder.count_tokens(longer) == 654
    np.testing.assert_allclose(embedder.encode([long]), embedder.encode([longer]), atol=1e-6)
    beyond_the_packaged_128 = "sleep " * 130 + "volcano " * 100
    assert float(embedder.encode([long])[0] @ embedder.encode([beyond_the_packaged_128])[0]) < 0.95


def test_edges(embedder: OnnxEmbedder) -> None:
    assert embedder.encode([]).shape == (0, 384)
    vectors = embedder.encode(["", " ", "\x00", "😔" * 3000, "\ud800".encode("utf-8", "replace").decode()])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_threads_share_one_encoder(embedder: OnnxEmbedder) -> None:
    texts = [f"student number {n} writes {'a lot ' * n}" for n in range(24)]
    expected = embedder.encode(texts)
    got: dict[int, np.ndarray] = {}

    def work(n: int) -> None:
        got[n] = embedder.encode([texts[n]])[0]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(np.stack([got[n] for n in range(len(texts))]), expected, atol=1e-5)


async def test_articles_answer_what_they_are_for_and_nothing_else(
    embedder: OnnxEmbedder, dsns: tuple[str, str]
) -> None:
    articles = read_documents(ROOT / "knowledge_base" / "articles")
    async with await psycopg.AsyncConnection.connect(dsns[0]) as worker:
        await ingest(worker, articles, embedder, complete=True)
    async with await psycopg.AsyncConnection.connect(dsns[1]) as app:

        async def first(text: str) -> str | None:
            result = await search(app, text, embedder.encode([text])[0], embedder=embedder.name)
            return result.passages[0].slug if result.passages else None

        assert await first("cant start my essay, keep cleaning instead") == "starting-when-you-cant-start"
        assert await first("my heart races at night and i cant breathe") == "panic-in-the-night"
        assert await first("what is the capital of peru") is None
        assert await first("write a python function that reverses a list") is None
