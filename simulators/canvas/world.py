"""The tables of the simulated Canvas: how they are searched, and how they are changed from outside."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter

from simulators.canvas.clock import VirtualClock
from simulators.canvas.model import (
    Announcement,
    Assignment,
    AssignmentGroup,
    CalendarEvent,
    Course,
    DeveloperKey,
    Enrollment,
    PlannerNote,
    PlannerOverride,
    Submission,
    User,
)

KINDS: dict[str, type[Any]] = {
    "users": User,
    "courses": Course,
    "enrollments": Enrollment,
    "groups": AssignmentGroup,
    "assignments": Assignment,
    "submissions": Submission,
    "events": CalendarEvent,
    "announcements": Announcement,
    "notes": PlannerNote,
    "planner_overrides": PlannerOverride,
    "keys": DeveloperKey,
}

Row = TypeVar("Row")


@dataclass
class _Index:
    """Rows by something they have in common."""

    key: Callable[[Any], Any]
    rows: dict[Any, list[Any]] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        self.rows.setdefault(self.key(row), []).append(row)


class World:
    """Everything the simulated Canvas knows. Rows are replaced, never edited in place, when they change."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._tables: dict[str, dict[int, Any]] = {name: {} for name in KINDS}
        self._indexes: dict[str, dict[str, _Index]] = {name: {} for name in KINDS}

    def clear(self) -> None:
        """Forget every row."""
        for table, rows in self._tables.items():
            rows.clear()
            self._indexes[table].clear()

    def put(self, table: str, row: Row) -> Row:
        """Store a row under its id and return it."""
        row_id: int = row.id  # type: ignore[attr-defined]
        if row_id in self._tables[table]:
            self._indexes[table].clear()
        for index in self._indexes[table].values():
            index.add(row)
        self._tables[table][row_id] = row
        return row

    def rows(self, table: str) -> Iterable[Any]:
        return self._tables[table].values()

    def user(self, user_id: int) -> User | None:
        return self._tables["users"].get(user_id)

    def course(self, course_id: int) -> Course | None:
        return self._tables["courses"].get(course_id)

    def key(self, key_id: int) -> DeveloperKey | None:
        return self._tables["keys"].get(key_id)

    def assignment(self, assignment_id: int) -> Assignment | None:
        return self._tables["assignments"].get(assignment_id)

    def enrollments_of(self, user_id: int) -> list[Enrollment]:
        return self._indexed("enrollments", "user", lambda row: row.user_id).get(user_id, [])

    def groups_of(self, course_id: int) -> list[AssignmentGroup]:
        groups = self._indexed("groups", "course", lambda row: row.course_id).get(course_id, [])
        return sorted(groups, key=lambda group: group.position)

    def assignments_of(self, course_id: int) -> list[Assignment]:
        """The published assignments of a course, in the order of their positions."""
        assignments = self._indexed("assignments", "course", lambda row: row.course_id).get(course_id, [])
        return sorted((row for row in assignments if row.published), key=lambda row: (row.position, row.id))

    def announcements_of(self, course_id: int) -> list[Announcement]:
        return self._indexed("announcements", "course", lambda row: row.course_id).get(course_id, [])

    def events_in(self, context_code: str) -> list[CalendarEvent]:
        return self._indexed("events", "context", lambda row: row.context_code).get(context_code, [])

    def notes_of(self, user_id: int) -> list[PlannerNote]:
        return self._indexed("notes", "user", lambda row: row.user_id).get(user_id, [])

    def planner_override(self, user_id: int, kind: str, plannable_id: int) -> PlannerOverride | None:
        marks = self._indexed("planner_overrides", "user", lambda row: row.user_id).get(user_id, [])
        return next((row for row in marks if (row.plannable_type, row.plannable_id) == (kind, plannable_id)), None)

    def submission_of(self, assignment_id: int, user_id: int) -> Submission:
        """The student's submission; one that was never begun exists too, as in Canvas, under a stable id."""
        of = self._indexed("submissions", "of", lambda row: (row.assignment_id, row.user_id))
        for found in of.get((assignment_id, user_id), []):
            return found  # type: ignore[no-any-return]
        digest = hashlib.blake2b(f"{assignment_id}:{user_id}".encode(), digest_size=5).digest()
        return Submission(int.from_bytes(digest), assignment_id, user_id)

    def _indexed(self, table: str, name: str, key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
        index = self._indexes[table].get(name)
        if index is None:
            index = _Index(key)
            for row in self._tables[table].values():
                index.add(row)
            self._indexes[table][name] = index
        return index.rows

    def add(self, table: str, values: dict[str, Any]) -> int:
        """Store a new row and return its id. Raises `KeyError` or `pydantic.ValidationError` on what does not fit."""
        row = TypeAdapter(KINDS[table]).validate_python(values)
        self.put(table, row)
        return int(row.id)

    def change(self, table: str, where: dict[str, Any], values: dict[str, Any]) -> int:
        """Change the rows that match `where` and return how many. Submissions not yet begun are begun by it."""
        found = [row for row in self._tables[table].values() if _matches(row, where)]
        if table == "submissions" and not found and {"assignment_id", "user_id"} <= where.keys():
            found = [self.submission_of(where["assignment_id"], where["user_id"])]
        for row in found:
            self.put(table, TypeAdapter(KINDS[table]).validate_python(asdict(row) | values))
        return len(found)

    def remove(self, table: str, where: dict[str, Any]) -> int:
        """Delete the rows that match `where` and return how many."""
        found = [row.id for row in self._tables[table].values() if _matches(row, where)]
        for row_id in found:
            del self._tables[table][row_id]
        self._indexes[table].clear()
        return len(found)


def _matches(row: Any, where: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in where.items())
