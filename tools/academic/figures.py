"""The figures by which academic work is weighed, from `academic.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("academic.toml")


@cache
def figures() -> dict[str, Any]:
    """Read the packaged figures, by section."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
