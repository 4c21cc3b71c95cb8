"""Fit the screening head from the committed exemplars: `python -m evals.train`.

Deterministic: the same exemplars, encoder and library versions give the same head. Needs scikit-learn (extra `train`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold

import safety
from embedding.load import load_embedder
from safety.classifier import CATEGORY_FEATURES, Head, Label, Matrix, lexical_features
from safety.exemplars import Exemplar, digest, load_exemplars
from safety.lexicon import Lexicon, is_crisis
from safety.near import near_duplicates
from safety.ngrams import SIZE, ngrams
from safety.normalize import Normalizer
from safety.types import Category
from safety.windows import spans_to_embed

DATA = Path(safety.__file__).parent / "data"
STRENGTH = 5.0
"""Inverse of the L2 penalty."""
FOLDS = 6
SILENT = -12.0
"""Log odds of a message in which nothing is left to embed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows to learn from, several of one exemplar where it has several windows."""

    features: Matrix
    """Shape (rows, features)."""
    texts: list[str]
    wording: csr_matrix
    """Shape (rows, `ngrams.SIZE`)."""
    owner: NDArray[np.intp]
    """Index of the exemplar of each row."""
    labels: list[Label]
    usable: NDArray[np.bool_]
    """False for a window of a crisis exemplar in which no rule speaks: which window carries the danger is not known."""


def featurize(exemplars: Sequence[Exemplar], encode: Callable[[Sequence[str]], Matrix]) -> Sample:
    """Describe each exemplar as screening would: the whole message and, of a longer one, every window."""
    normalizer, lexicon = Normalizer(), Lexicon()
    texts: list[str] = []
    lexical: list[Matrix] = []
    owner: list[int] = []
    labels: list[Label] = []
    usable: list[bool] = []
    for index, exemplar in enumerate(exemplars):
        message = normalizer(exemplar.text)
        hits = lexicon.read(message).hits
        for number, span in enumerate(spans_to_embed(message.text)):
            row = lexical_features(hits, span)
            texts.append(message.text[span.start : span.end])
            lexical.append(row)
            owner.append(index)
            labels.append((exemplar.category, exemplar.severity))
            usable.append(number == 0 or exemplar.category is Category.NONE or bool(row[:CATEGORY_FEATURES].any()))
    features = np.hstack([encode(texts), np.stack(lexical)]).astype(np.float32)
    return Sample(features, texts, _wording(texts), np.array(owner), labels, np.array(usable))


def fit_head(sample: Sample, rows: NDArray[np.bool_], version: str = "", encoder: str = "") -> Head:
    """Fit an uncalibrated head on the usable ones of the given rows."""
    chosen = np.flatnonzero(rows & sample.usable)
    classes = sorted({sample.labels[row] for row in chosen}, key=lambda label: (label[0].value, label[1].rank))
    targets = [classes.index(sample.labels[row]) for row in chosen]
    grades = LogisticRegression(C=STRENGTH, max_iter=400).fit(sample.features[chosen], targets)
    dimensions = sample.features.shape[1]
    wide = hstack([csr_matrix(sample.features[chosen]), sample.wording[chosen]]).tocsr()
    crisis = [is_crisis(*sample.labels[row]) for row in chosen]
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0).fit(wide, crisis)
    weights = model.coef_[0].astype(np.float32)
    return Head(
        weights[:dimensions],
        weights[dimensions:],
        grades.coef_.T.astype(np.float32),
        grades.intercept_.astype(np.float32),
        tuple(classes),
        1.0,
        float(model.intercept_[0]),
        version,
        encoder,
    )


def held_out(sample: Sample, exemplars: Sequence[Exemplar]) -> NDArray[np.float64]:
    """Return each exemplar's crisis score (log odds), the worst of its windows, by a head that never saw its style."""
    groups = np.array([exemplars[index].style for index in sample.owner])
    scores = np.full(len(exemplars), SILENT)
    folds = GroupKFold(min(FOLDS, len(set(groups))))
    for train, test in folds.split(sample.features, groups=groups):
        rows = np.zeros(len(groups), dtype=bool)
        rows[train] = True
        head = fit_head(sample, rows)
        crisis = head.score(sample.features[test], [sample.texts[row] for row in test]) + head.intercept
        np.maximum.at(scores, sample.owner[test], crisis)
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, fit, calibrate and write `data/head.npz` and `data/head.json`; return a process exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.train", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".companion"), help="folder that holds the exported encoder")
    parser.add_argument("--frozen", type=Path, default=Path("evals/frozen/safety"), help="test sets to keep away from")
    options = parser.parse_args(arguments)
    exemplars = load_exemplars()
    embedder = load_embedder("onnx", options.home, threads=2)
    clashes = near_duplicates([exemplar.text for exemplar in exemplars], list(_frozen_texts(options.frozen)))
    exemplars = [exemplar for index, exemplar in enumerate(exemplars) if index not in clashes]
    sample = featurize(exemplars, embedder.encode)
    crisis = np.array([is_crisis(exemplar.category, exemplar.severity) for exemplar in exemplars])
    scores = held_out(sample, exemplars)
    platt = LogisticRegression(C=1e6).fit(scores[:, None], crisis)
    head = fit_head(sample, np.ones(len(sample.owner), dtype=bool))
    facts = {
        "version": digest(exemplars)[:12],
        "encoder": embedder.name,
        "exemplars": len(exemplars),
        "excluded_as_near_duplicates": len(clashes),
        "sha256": digest(exemplars),
        "slope": float(platt.coef_[0, 0]),
        "intercept": float(platt.coef_[0, 0]) * head.intercept + float(platt.intercept_[0]),
        "labels": [[category.value, severity.value] for category, severity in head.labels],
        "style_held_out": _figures(scores, crisis),
    }
    _write(head, facts)
    sys.stdout.write(json.dumps({key: facts[key] for key in facts if key != "labels"}, indent=1) + "\n")
    return 0


def _write(head: Head, facts: dict[str, object]) -> None:
    arrays = {name: getattr(head, name).astype(np.float16) for name in ("crisis", "wording", "weights", "bias")}
    np.savez_compressed(DATA / "head.npz", **arrays)
    (DATA / "head.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def _figures(scores: NDArray[np.float64], crisis: NDArray[np.bool_]) -> dict[str, float]:
    calm = np.sort(scores[~crisis])
    threshold = calm[int(np.ceil(0.95 * len(calm))) - 1]
    return {
        "auroc": round(float(roc_auc_score(crisis, scores)), 4),
        "average_precision": round(float(average_precision_score(crisis, scores)), 4),
        "recall_at_5_percent_false_positives": round(float((scores[crisis] > threshold).mean()), 4),
    }


def _wording(texts: Sequence[str]) -> csr_matrix:
    rows = [ngrams(text) for text in texts]
    starts = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    weights = np.concatenate([weights for _, weights in rows])
    return csr_matrix((weights, places, starts), shape=(len(texts), SIZE))


def _frozen_texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                yield from [row["text"]] if "text" in row else (turn["content"] for turn in row["turns"])


if __name__ == "__main__":
    sys.exit(main())
