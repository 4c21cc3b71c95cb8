"""Measures retrieval on any question set in BEIR's format, in a temporary database, leg by leg."""

import asyncio
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from math import log2
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psycopg
from psycopg.rows import TupleRow

from core.errors import InvalidInput
from db.embedded import ensure_database, start_postgres
from db.migrate import migrate
from db.roles import APP, OWNER, WORKER
from embedding.protocol import Embedder
from evals.statistics import bootstrap
from rag.documents import Document
from rag.index import ingest
from rag.ranking import Ranking, default_ranking
from rag.search import Filters, prepare_connection, search

Judgements = dict[str, dict[str, int]]
"""Grade by document, by query; grades above 0 are relevant."""
Run = dict[str, list[str]]
"""Ranked documents by query."""
Progress = Callable[[str], None]

DEPTH = 10
DATABASE = "retrieval"


def score_beir(
    corpus: Path, queries: Path, qrels: Path, embedder: Embedder, progress: Progress = lambda _: None
) -> dict[str, object]:
    """Score dense, text and hybrid retrieval: nDCG@10, recall@5 and MRR@10 with 95 % bootstrap intervals.

    `corpus` (`_id`, `title`, `text`) and `queries` (`_id`, `text`) are JSONL, `qrels` a TSV of query, document and
    grade with a header line. Documents go through the same chunking, index and statement as the knowledge base, in an
    embedded PostgreSQL that is thrown away. `gain` holds hybrid minus each leg, query by query. Raises `InvalidInput`
    for files that do not fit, `ConfigurationError` without the extra `embedded`, and `EmbeddingUnavailable`.
    """
    judgements = read_qrels(qrels)
    texts = {
        id_: text
        for id_, _, text in _read_jsonl(queries)
        if any(grade > 0 for grade in judgements.get(id_, {}).values())
    }
    if not texts:
        raise InvalidInput(f"{qrels.name} judges none of the queries in {queries.name}.")
    documents, ids = _documents(corpus)
    with TemporaryDirectory(prefix="companion-eval-") as folder:
        server = start_postgres(Path(folder) / "pg")
        try:
            ensure_database(server, DATABASE)
            migrate(server.dsn(OWNER, DATABASE))
            worker, app = server.dsn(WORKER, DATABASE), server.dsn(APP, DATABASE)
            runs = asyncio.run(_retrieve(worker, app, documents, ids, texts, embedder, progress))
        finally:
            server.stop()
    return _report(runs, judgements, embedder, len(documents))


def read_qrels(path: Path) -> Judgements:
    """Read a TSV of query id, document id and grade; raises `InvalidInput` for a line that is not."""
    judgements: Judgements = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            try:
                query, document, grade = row
                judgements.setdefault(query, {})[document] = int(grade)
            except ValueError as error:
                if number > 1:
                    raise InvalidInput(f"{path.name}, line {number}: expected query, document and grade.") from error
    return judgements


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], depth: int = DEPTH) -> float:
    """Discounted gain of the first `depth` documents against the best possible, gain linear as in trec_eval."""
    gains = [max(grades.get(document, 0), 0) for document in ranked[:depth]]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:depth]
    return _discounted(gains) / _discounted(ideal) if ideal else 0.0


def recall(ranked: Sequence[str], grades: Mapping[str, int], depth: int = 5) -> float:
    """Share of the relevant documents among the first `depth`."""
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranked[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], grades: Mapping[str, int], depth: int = DEPTH) -> float:
    """One over the place of the first relevant document, 0 when none is among the first `depth`."""
    return next(
        (1 / place for place, document in enumerate(ranked[:depth], start=1) if grades.get(document, 0) > 0), 0.0
    )


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(place + 1) for place, gain in enumerate(gains, start=1))


def _read_jsonl(path: Path) -> list[tuple[str, str, str]]:
    """Read (id, title, text) from every line that is not blank."""
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
                rows.append((str(fields["_id"]), str(fields.get("title") or ""), str(fields["text"])))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidInput(f"{path.name}, line {number}: expected JSON with _id and text.") from error
    return rows


def _documents(corpus: Path) -> tuple[list[Document], dict[str, str]]:
    """The documents under slugs of ours, and the id behind each slug."""
    documents, ids = [], {}
    for number, (id_, title, text) in enumerate(_read_jsonl(corpus)):
        slug = f"d{number}"
        ids[slug] = id_
        body = (text.strip() or title).replace("\x00", "")
        documents.append(Document(slug=slug, title=title.replace("\x00", ""), body=body, digest=slug))
    return documents, ids


def _legs() -> dict[str, tuple[bool, Ranking]]:
    """For each leg whether it sees the vector, and its weights; nothing abstains."""
    hybrid = default_ranking().model_copy(update={"abstain_below": {}, "abstain_below_text_only": 0.0})
    return {
        "dense": (True, hybrid.model_copy(update={"text_weight": 0.0})),
        "text": (False, hybrid),
        "hybrid": (True, hybrid),
    }


async def _retrieve(
    worker_dsn: str,
    app_dsn: str,
    documents: Sequence[Document],
    ids: Mapping[str, str],
    texts: Mapping[str, str],
    embedder: Embedder,
    progress: Progress,
) -> dict[str, Run]:
    async with await psycopg.AsyncConnection.connect(worker_dsn) as worker:
        await ingest(worker, documents, embedder, complete=True, progress=progress)
    progress(f"Asking {len(texts)} questions")
    vectors = embedder.encode(list(texts.values()))
    runs: dict[str, Run] = {leg: {} for leg in _legs()}
    async with await psycopg.AsyncConnection[TupleRow].connect(app_dsn, autocommit=True) as app:
        await prepare_connection(app)
        for (id_, text), vector in zip(texts.items(), vectors, strict=True):
            for leg, (sees, ranking) in _legs().items():
                result = await search(
                    app,
                    text,
                    vector if sees else None,
                    embedder=embedder.name,
                    filters=Filters(per_document=1),
                    # One more, for sets whose queries are documents themselves: finding itself is no merit.
                    limit=DEPTH + 1,
                    ranking=ranking,
                )
                found = (ids[passage.slug] for passage in result.passages)
                runs[leg][id_] = [document for document in found if document != id_][:DEPTH]
    return runs


def _report(runs: Mapping[str, Run], judgements: Judgements, embedder: Embedder, documents: int) -> dict[str, object]:
    metrics = {"ndcg@10": ndcg, "recall@5": recall, "mrr@10": reciprocal_rank}
    values = {
        leg: {
            name: [metric(ranked, judgements[query]) for query, ranked in run.items()]
            for name, metric in metrics.items()
        }
        for leg, run in runs.items()
    }
    differences = {
        f"hybrid-{leg}": [h - v for h, v in zip(values["hybrid"]["ndcg@10"], values[leg]["ndcg@10"], strict=True)]
        for leg in ("dense", "text")
    }
    return {
        "encoder": embedder.name,
        "ranking_version": default_ranking().version,
        "documents": documents,
        "queries": len(runs["hybrid"]),
        "legs": {leg: {name: _estimate(v) for name, v in scores.items()} for leg, scores in values.items()},
        "gain": {name: {"ndcg@10": _estimate(v)} for name, v in differences.items()},
    }


def _estimate(values: Sequence[float]) -> dict[str, float]:
    """The mean over queries and its 95 % bootstrap interval."""
    sample = np.asarray(values)
    low, high = bootstrap(lambda index: float(sample[index].mean()), len(sample), rounds=2000)
    return {"mean": float(sample.mean()), "low": low, "high": high}
