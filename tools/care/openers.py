"""First words a counselor may start from: fixed, versioned, theirs to change."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from safety.types import Category, Severity

_FILE = Path(__file__).parent / "openers.yaml"
CONFIDENTIAL = (Category.ABUSE, Category.EXPLOITATION)


def opener(category: Category, severity: Severity, *, returning: bool, name: str, me: str, campus: str) -> str:
    """Return the suggested first message of a case."""
    key = "default"
    if severity is Severity.IMMINENT:
        key = "emergency"
    elif category in CONFIDENTIAL:
        key = "abuse"
    elif category is Category.THIRD_PARTY:
        key = "third_party"
    elif returning:
        key = "returning"
    return str(_texts()[key]).format(name=name, me=me, campus=campus)


@cache
def _texts() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return data
