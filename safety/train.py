"""Fit the screening head from the committed exemplars: `python -m safety.train`.

Deterministic: the same exemplars, encoder and library versions give the same head. Needs scikit-learn (extra `train`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from embedding.load import load_embedder
from safety.classifier import Head, Label, Matrix, lexical_features, logit
from safety.exemplars import Exemplar, digest, load_exemplars
from safety.lexicon import Lexicon, is_crisis
from safety.near import near_duplicates
from safety.normalize import Normalizer
from safety.windows import Span

DATA = Path(__file__).parent / "data"
MEMBERS = 5
HIDDEN = 96
FOLDS = 8


def featurize(texts: Sequence[str], encode: Callable[[Sequence[str]], Matrix]) -> Matrix:
    """Describe each text as one whole-message window, shape (texts, features)."""
    normalizer, lexicon = Normalizer(), Lexicon()
    messages = [normalizer(text) for text in texts]
    vectors = encode([message.text for message in messages])
    rows = [lexical_features(lexicon.read(message).hits, Span(0, max(len(message.text), 1))) for message in messages]
    return np.hstack([vectors, np.stack(rows)]).astype(np.float32)


def fit(features: Matrix, targets: NDArray[np.intp], seed: int) -> tuple[tuple[Matrix, Matrix], ...]:
    """Fit one member of the ensemble and return its (weights, bias) by layer."""
    model = MLPClassifier(
        (HIDDEN,),
        alpha=2e-2,
        max_iter=60,
        early_stopping=False,
        random_state=seed,
        learning_rate_init=2e-3,
        batch_size=64,
    )
    model.fit(features, targets)
    return tuple(
        (weights.astype(np.float32), bias.astype(np.float32))
        for weights, bias in zip(model.coefs_, model.intercepts_, strict=True)
    )


def fit_head(features: Matrix, labels: Sequence[Label], members: int, version: str = "", encoder: str = "") -> Head:
    """Fit an uncalibrated head on rows and their labels."""
    classes = sorted(set(labels), key=lambda label: (label[0].value, label[1].rank))
    targets = np.array([classes.index(label) for label in labels])
    layers = tuple(fit(features, targets, seed) for seed in range(members))
    return Head(layers, tuple(classes), 1.0, 0.0, version, encoder)


def held_out(features: Matrix, exemplars: Sequence[Exemplar], members: int = 1) -> NDArray[np.float64]:
    """Return each exemplar's crisis probability from a head that never saw its style."""
    labels = [(exemplar.category, exemplar.severity) for exemplar in exemplars]
    groups = [exemplar.style for exemplar in exemplars]
    scores = np.zeros(len(exemplars))
    folds = GroupKFold(min(FOLDS, len(set(groups))))
    for train, test in folds.split(features, labels, groups):
        head = fit_head(features[train], [labels[index] for index in train], members)
        scores[test] = head.read(features[test]).crisis
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, fit, calibrate and write `data/head.npz` and `data/head.json`; return a process exit code."""
    parser = argparse.ArgumentParser(prog="python -m safety.train", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".companion"), help="folder that holds the exported encoder")
    parser.add_argument("--frozen", type=Path, default=Path("evals/frozen/safety"), help="test sets to keep away from")
    options = parser.parse_args(arguments)
    exemplars = load_exemplars()
    embedder = load_embedder("onnx", options.home, threads=2)
    clashes = near_duplicates([exemplar.text for exemplar in exemplars], list(_frozen_texts(options.frozen)))
    exemplars = [exemplar for index, exemplar in enumerate(exemplars) if index not in clashes]
    features = featurize([exemplar.text for exemplar in exemplars], embedder.encode)
    labels = [(exemplar.category, exemplar.severity) for exemplar in exemplars]
    crisis = np.array([is_crisis(*label) for label in labels])
    scores = held_out(features, exemplars)
    platt = LogisticRegression(C=1e6).fit(logit(scores)[:, None], crisis)
    head = fit_head(features, labels, MEMBERS)
    facts = {
        "version": digest(exemplars)[:12],
        "encoder": embedder.name,
        "exemplars": len(exemplars),
        "excluded_as_near_duplicates": len(clashes),
        "sha256": digest(exemplars),
        "members": MEMBERS,
        "depth": 2,
        "slope": float(platt.coef_[0, 0]),
        "intercept": float(platt.intercept_[0]),
        "labels": [[category.value, severity.value] for category, severity in head.labels],
        "style_held_out": _figures(scores, crisis),
    }
    _write(head, facts)
    sys.stdout.write(json.dumps({key: facts[key] for key in facts if key != "labels"}, indent=1) + "\n")
    return 0


def _write(head: Head, facts: dict[str, object]) -> None:
    arrays: dict[str, NDArray[np.float16]] = {}
    for member, layers in enumerate(head.layers):
        for depth, (weights, bias) in enumerate(layers):
            arrays[f"w{member}_{depth}"] = weights.astype(np.float16)
            arrays[f"b{member}_{depth}"] = bias.astype(np.float16)
    np.savez_compressed(DATA / "head.npz", allow_pickle=False, **arrays)
    (DATA / "head.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def _figures(scores: NDArray[np.float64], crisis: NDArray[np.bool_]) -> dict[str, float]:
    calm = np.sort(scores[~crisis])
    threshold = calm[int(np.ceil(0.95 * len(calm))) - 1]
    return {
        "auroc": round(float(roc_auc_score(crisis, scores)), 4),
        "average_precision": round(float(average_precision_score(crisis, scores)), 4),
        "recall_at_5_percent_false_positives": round(float((scores[crisis] > threshold).mean()), 4),
    }


def _frozen_texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                yield from [row["text"]] if "text" in row else (turn["content"] for turn in row["turns"])


if __name__ == "__main__":
    sys.exit(main())
