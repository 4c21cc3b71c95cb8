"""What a student reads about their work, from `academic_words.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("academic_words.yaml")


@cache
def words() -> dict[str, Any]:
    """Read the packaged words, by section."""
    found: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found
