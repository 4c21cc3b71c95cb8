"""The manifest of an exported encoder: written last, so its presence means that the export is whole."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from embedding.errors import EmbeddingUnavailable

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What an export directory holds.

    `weights` is the SHA-256 of the weights the graph was made from. It names the vectors: two exports of the same
    weights may differ in bytes, their vectors do not.
    """

    model: str
    weights: str
    dimensions: int
    max_tokens: int
    files: dict[str, str]
    """SHA-256 by file name."""

    @property
    def name(self) -> str:
        """Model and version as stored beside every vector."""
        return f"{self.model}@{self.weights[:12]}"


def sha256(path: Path) -> str:
    """Digest of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Flush the listed files to disk, then write the manifest that vouches for them."""
    for name in manifest.files:
        _fsync(directory / name)
    path = directory / MANIFEST
    path.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    _fsync(path)
    _fsync(directory)


def read_manifest(directory: Path) -> Manifest:
    """Read a manifest without hashing the files. Raises `EmbeddingUnavailable` if the export is missing or broken."""
    try:
        manifest = Manifest(**json.loads((directory / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise EmbeddingUnavailable(f"There is no exported encoder named {directory.name} yet.") from error
    missing = [name for name in manifest.files if not (directory / name).is_file()]
    if missing:
        raise EmbeddingUnavailable(f"The exported encoder lacks {', '.join(missing)}.")
    return manifest


def verify_manifest(directory: Path) -> Manifest:
    """Read the manifest and hash every file it lists. Raises `EmbeddingUnavailable` when one differs."""
    manifest = read_manifest(directory)
    for name, digest in manifest.files.items():
        if sha256(directory / name) != digest:
            raise EmbeddingUnavailable(f"{name} of the exported encoder is damaged.")
    return manifest


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
