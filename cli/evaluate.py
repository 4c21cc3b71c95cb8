"""`companion eval`: offline evals from the command line."""

from __future__ import annotations

from pathlib import Path

from evals.safety import run

from core.settings import Settings
from embedding.load import load_embedder


def safety(settings: Settings, data: Path, *, as_json: bool) -> int:
    """Score crisis detection on a labelled file; returns the exit status."""
    return run(data, as_json, load_embedder(settings.embedder, settings.home).encode)
