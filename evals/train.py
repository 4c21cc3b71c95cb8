"""Trains the screening encoder from the committed exemplars: `python -m evals.train`.

Writes `safety/data/screening`: the model, its tokenizer, a manifest that vouches for both and `facts.json`, which says
what it was made from. The same exemplars, settings and library versions give the same data to learn from; PyTorch's
sums may differ in the last digits between processors.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from embedding import throwaway
from embedding.manifest import Manifest, sha256, write_manifest
from evals.corpus import Row, rows
from safety.classifier import MODEL
from safety.exemplars import Exemplar, digest, load_calibration, load_exemplars
from safety.near import near_duplicates
from safety.types import Category, Severity

SETTINGS: dict[str, Any] = {
    "seed": 0,
    "cycles": [(2, 1e-4), (1, 5e-5)],
    "batch": 32,
    "tokens": 160,
    "smoothing": 0.05,
}
"""Epochs and peak learning rate of each cycle, texts a step, tokens of one text and label smoothing."""


def corpus(exemplars: Sequence[Exemplar], calibration: Sequence[Exemplar]) -> dict[str, object]:
    """Return what the training script reads."""
    return {
        "train": [_flat(row) for row in rows(exemplars)],
        "calibration": [_flat(row) for row in rows(calibration, seed=None)],
        "settings": SETTINGS | {"severities": len(Severity), "categories": len(Category)},
    }


def kept_apart(exemplars: Sequence[Exemplar], others: Sequence[str]) -> list[Exemplar]:
    """Leave out the exemplars that are nearly the same as a text that judges them."""
    clashes = near_duplicates([exemplar.text for exemplar in exemplars], others)
    return [exemplar for index, exemplar in enumerate(exemplars) if index not in clashes]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, train in a throwaway environment and put the finished model into place; return a process exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.train", description=__doc__)
    parser.add_argument(
        "--python", type=Path, help="a Python with torch and the packaged weights, instead of a new one"
    )
    parser.add_argument("--frozen", type=Path, default=Path("evals/frozen/safety"), help="test sets to keep away from")
    options = parser.parse_args(arguments)
    calibration = load_calibration()
    judges = [*frozen_texts(options.frozen), *(exemplar.text for exemplar in calibration)]
    everything = load_exemplars()
    exemplars = kept_apart(everything, judges)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        product = folder / "product"
        product.mkdir()
        (folder / "corpus.json").write_text(json.dumps(corpus(exemplars, calibration)), "utf-8")
        python = options.python or throwaway.create(folder, _say)
        _say(f"Training on {len(exemplars)} exemplars")
        script = Path(__file__).parent / "train_encoder.py"
        throwaway.run((str(python), "-I", str(script), str(folder / "corpus.json"), str(product)), _say)
        facts = {
            "version": digest(exemplars)[:12],
            "exemplars": len(exemplars),
            "excluded_as_near_duplicates": len(everything) - len(exemplars),
            "sha256": digest(exemplars),
            "calibration_sha256": digest(calibration),
            "settings": SETTINGS,
            "base_weights_sha256": throwaway.WEIGHTS_SHA256,
        }
        _seal(product, facts)
        shutil.rmtree(MODEL, ignore_errors=True)
        shutil.copytree(product, MODEL)
    _say(json.dumps(facts, indent=1))
    return 0


def frozen_texts(folder: Path) -> Iterator[str]:
    """Every text of the frozen sets, the turns of conversations one by one."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                yield from [row["text"]] if "text" in row else (turn["content"] for turn in row["turns"])


def _seal(product: Path, facts: dict[str, object]) -> None:
    (product / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    files = {name: sha256(product / name) for name in ("model.onnx", "tokenizer.json", "facts.json")}
    write_manifest(product, Manifest("screening", files["model.onnx"], dimensions=384, max_tokens=256, files=files))


def _flat(row: Row) -> list[object]:
    return [row.text, int(row.crisis), row.severity, row.category]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
