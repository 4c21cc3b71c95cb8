"""What tells that a course changed without reading all of it: its planner items, its total, what is missing in it.

Filters by time would miss a grade that is posted later than it was given, a due date that moved, and work that is gone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.crypto import SubjectKey
from tools.academic.canvas.models import Course

Row = dict[str, Any]
FLEETING = ("new_activity", "context_image", "planner_override")
"""What changes in a planner item without the course changing."""
PERSONAL = ""
"""Stands for what belongs to no course."""
LENGTH = 32


def planner_signals(key: SubjectKey, items: Iterable[Row]) -> dict[str, bytes]:
    """Digest of the planner items of each course, and of the student's own under `PERSONAL`."""
    by_course: dict[str, list[Row]] = defaultdict(list)
    for item in items:
        course = item.get("course_id")
        kept = {name: value for name, value in item.items() if name not in FLEETING}
        by_course[PERSONAL if course is None else str(course)].append(kept)
    return {course: _digest(key, sorted(map(_text, rows))) for course, rows in by_course.items()}


def events_signal(key: SubjectKey, items: Iterable[Row]) -> bytes:
    """Digest of the calendar entries among the planner items."""
    return _digest(key, sorted(_text(item) for item in items if item.get("plannable_type") == "calendar_event"))


def course_signal(
    key: SubjectKey,
    course: Course,
    missing: Mapping[str, list[str]],
    planner: Mapping[str, bytes] | None,
    before: bytes,
) -> bytes:
    """What a course looks like from outside. Without `planner` (Canvas says that it is unchanged) that part stays."""
    rest = _digest(key, [course.model_dump_json(exclude={"shares"}), *sorted(missing.get(course.id, []))])
    if planner is None:
        return (before[:LENGTH] or _digest(key, [])) + rest
    return planner.get(course.id, _digest(key, [])) + rest


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _digest(key: SubjectKey, texts: Iterable[str]) -> bytes:
    return key.digest("\n".join(texts))
