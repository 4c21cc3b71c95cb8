"""Exports the embedded encoder to ONNX once, in a throwaway environment that alone ever holds torch."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embedding import throwaway
from embedding.errors import EmbeddingUnavailable
from embedding.manifest import Manifest, read_manifest, sha256, write_manifest
from embedding.onnx import OnnxEmbedder
from embedding.throwaway import WEIGHTS_SHA256, Progress

MODEL = "all-MiniLM-L6-v2"
MIN_COSINE = 0.9999
"""Between PyTorch's vector and ours for the same sentence; exporting costs rounding errors, nothing more."""


def model_directory(home: Path) -> Path:
    """Where the exported encoder lives under the service's home."""
    return home / "models" / MODEL


def export_encoder(home: Path, progress: Progress) -> Path:
    """Make sure that the exported encoder exists under `home`; returns its directory.

    Returns at once when it does. Otherwise installs the export tools into a temporary environment (about a minute and,
    where pip brings torch with its GPU libraries, some gigabytes), exports, checks the vectors against PyTorch's and
    moves the finished directory into place in one step, so an end at any point leaves nothing half-done. A second
    caller waits for the first. Raises `EmbeddingUnavailable` when a step fails.
    """
    target = model_directory(home)
    if _exists(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(home / "export.lock", progress):
        if _exists(target):
            return target
        for leftover in home.glob("export-env-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with TemporaryDirectory(prefix="export-env-", dir=home, ignore_cleanup_errors=True) as scratch:
            product = _export(Path(scratch), progress)
            shutil.rmtree(target, ignore_errors=True)
            product.rename(target)
    progress("Encoder ready")
    return target


def _exists(target: Path) -> bool:
    try:
        return read_manifest(target).weights == WEIGHTS_SHA256
    except EmbeddingUnavailable:
        return False


@contextmanager
def _only_one(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock that the kernel releases however the process ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Waiting for another process that exports the encoder")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _export(scratch: Path, progress: Progress) -> Path:
    here = Path(__file__).parent
    product = scratch / "product"
    product.mkdir()
    python = throwaway.create(scratch, progress)
    progress("Exporting the text encoder to ONNX")
    # -I, or this folder's modules would stand in for the libraries of the same names.
    throwaway.run((str(python), "-I", str(here / "export_script.py"), str(product)), progress)
    _seal(product)
    progress("Comparing its vectors with PyTorch's")
    _compare(product)
    return product


def _seal(product: Path) -> None:
    weights = (product / "weights.sha256").read_text()
    if weights != WEIGHTS_SHA256:
        raise EmbeddingUnavailable(f"The packaged weights are not the expected ones (SHA-256 {weights}).")
    files = {name: sha256(product / name) for name in ("model.onnx", "tokenizer.json", "reference.json")}
    write_manifest(product, Manifest(MODEL, weights, dimensions=384, max_tokens=256, files=files))


def _compare(product: Path) -> None:
    expected: dict[str, list[float]] = json.loads((product / "reference.json").read_text())
    vectors = OnnxEmbedder(product).encode(list(expected))
    cosines = np.sum(vectors * np.asarray(list(expected.values()), dtype=np.float32), axis=1)
    if not bool(np.all(cosines >= MIN_COSINE)):
        raise EmbeddingUnavailable(f"The exported encoder disagrees with PyTorch (cosine {cosines.min():.5f}).")
