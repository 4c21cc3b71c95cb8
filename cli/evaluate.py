"""`companion eval`: offline evals from the command line."""

from __future__ import annotations

from pathlib import Path

from evals.safety import run
from safety.screen import Screener


def safety(data: Path, *, as_json: bool) -> int:
    """Score crisis detection on a labelled file; returns the exit status."""
    return run(data, as_json, Screener.packaged())
