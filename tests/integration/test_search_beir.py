"""The evaluation on foreign question sets: metrics by hand, formats refused clearly, one run end to end."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import InvalidInput
from embedding.protocol import Vectors
from evals.retrieval import ndcg, read_qrels, recall, reciprocal_rank, score_beir


class LetterEmbedder:
    """Counts letters; enough to rank."""

    name = "letters@1"
    dimensions = 26
    max_tokens = 256

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def test_metrics_by_hand() -> None:
    grades = {"a": 2, "b": 1, "c": 0}
    ideal = 2 + 1 / np.log2(3)
    assert ndcg(["a", "b"], grades) == pytest.approx(1)
    assert ndcg(["c", "b", "a"], grades) == pytest.approx((1 / np.log2(3) + 2 / 2) / ideal)
    assert recall(["c", "x", "x", "x", "a", "b"], grades) == 0.5
    assert reciprocal_rank(["c", "x", "b"], grades) == pytest.approx(1 / 3)
    assert (ndcg([], grades), recall([], grades), reciprocal_rank(["c"], grades)) == (0, 0, 0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    corpus, queries, qrels = tmp_path / "corpus.jsonl", tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    texts = ["quick zebras jump", "banana bread recipe", "# not a heading to lose\nwaltz", ""]
    corpus.write_text("\n".join(json.dumps({"_id": f"D/{n}", "title": "", "text": t}) for n, t in enumerate(texts)))
    queries.write_text(
        '{"_id": "q1", "text": "zebras"}\n\n{"_id": "q2", "text": "banana"}\n{"_id": "q3", "text": "x"}\n'
    )
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\tD/0\t1\nq2\tD/1\t2\n")
    return corpus, queries, qrels


def test_a_run_end_to_end(files: tuple[Path, Path, Path]) -> None:
    report = score_beir(*files, LetterEmbedder())
    assert (report["queries"], report["documents"]) == (2, 4)
    legs = report["legs"]
    assert isinstance(legs, dict)
    assert legs["text"]["ndcg@10"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert legs["hybrid"]["ndcg@10"]["mean"] == 1.0


def test_files_that_do_not_fit_are_refused(files: tuple[Path, Path, Path]) -> None:
    corpus, queries, qrels = files
    qrels.write_text("query-id\tcorpus-id\tscore\nq1\tD/0\n")
    with pytest.raises(InvalidInput, match="line 2"):
        read_qrels(qrels)
    qrels.write_text("query-id\tcorpus-id\tscore\nnobody\tD/0\t1\n")
    with pytest.raises(InvalidInput, match="none of the queries"):
        score_beir(corpus, queries, qrels, LetterEmbedder())
    queries.write_text('{"text": "no id"}')
    with pytest.raises(InvalidInput, match="line 1"):
        score_beir(corpus, queries, qrels, LetterEmbedder())
