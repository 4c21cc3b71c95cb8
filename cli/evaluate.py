"""`companion eval`: offline evals from the command line."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from embedding.load import load_embedder
from evals.safety import run


def safety(settings: Settings, data: Path, *, as_json: bool) -> int:
    """Score crisis detection on a labelled file; returns the exit status."""
    return run(data, as_json, load_embedder(settings.embedder, settings.home).encode)
