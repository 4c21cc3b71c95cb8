"""What may be used for what: each decision is kept with its version, the newest counts, and at once.

Kinds of data, purposes, their words and what holds before anybody decided are in `uses.yaml`. What is agreed to in words
of its own, such as the examples, is in `consent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import InvalidInput, NotAllowed
from core.ids import new_id
from db.access import Tx
from tools.people.people import require_student

FILE = Path(__file__).with_name("uses.yaml")
COMPANION = "companion"
"""The purpose of answering the student."""
CHECK_IN = "check_in"
"""The purpose of asking the student by itself."""
NEWEST = """
select distinct on (data_kind, purpose) data_kind, purpose, version, granted, decided_at
from data_uses where student_id = %s order by data_kind, purpose, decided_at desc, id desc
"""


@dataclass(frozen=True, slots=True)
class Use:
    """Where one kind of data stands for one purpose."""

    data_kind: str
    purpose: str
    title: str
    """Names the data, to the student."""
    text: str
    """Says what it would be used for."""
    version: int
    """Of the words that hold now."""
    granted: bool
    decided_at: datetime | None
    """None: nobody decided, the default holds."""


@cache
def rules() -> dict[str, Any]:
    """The file, read once."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


async def uses(tx: Tx) -> list[Use]:
    """Return every kind and purpose, and what holds for the student whose rows are open."""
    cursor = await tx.conn.execute(NEWEST, (require_student(tx),))
    decided = {(row[0], row[1]): row[2:] for row in await cursor.fetchall()}
    return [
        _standing(kind, purpose, decided.get((kind, purpose)))
        for kind, known in rules()["data_kinds"].items()
        for purpose in known["purposes"]
    ]


async def decide(tx: Tx, data_kind: str, purpose: str, *, granted: bool, at: datetime) -> None:
    """Keep a decision of the acting student; raises `InvalidInput` for what is not in the file."""
    if purpose not in rules()["data_kinds"].get(data_kind, {}).get("purposes", ()):
        raise InvalidInput("Choose one of the kinds of data and one of its purposes.")
    await tx.conn.execute(
        "insert into data_uses (id, institution_id, student_id, data_kind, purpose, version, granted, decided_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (new_id(), tx.who.institution_id, require_student(tx), data_kind, purpose, rules()["version"], granted, at),
    )


async def allows(tx: Tx, data_kind: str, purpose: str) -> bool:
    """Whether the student whose rows are open allows it now; what is not in the file is never allowed."""
    return any(use.granted for use in await uses(tx) if (use.data_kind, use.purpose) == (data_kind, purpose))


async def require_use(tx: Tx, data_kind: str, purpose: str) -> None:
    """Raise `NotAllowed` unless the student allows it now."""
    if not await allows(tx, data_kind, purpose):
        title = rules()["data_kinds"].get(data_kind, {}).get("title", "This")
        raise NotAllowed(f"You switched this off. Not used: {title.lower()}.")


def _standing(kind: str, purpose: str, decided: tuple[Any, ...] | None) -> Use:
    title, rule, version = rules()["data_kinds"][kind]["title"], rules()["purposes"][purpose], rules()["version"]
    if decided is None:
        return Use(kind, purpose, title, rule["text"], version, rule["default"], None)
    granted = decided[1] and decided[0] == version
    return Use(kind, purpose, title, rule["text"], version, granted, decided[2])
