"""Reads all of one course: its groups, the work in them, what the student did about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tools.academic.canvas.client import CanvasClient
from tools.academic.canvas.failures import Incomplete
from tools.academic.canvas.models import Course, Group, Share, Work

Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class WholeCourse:
    """A course with the shares of its groups, and all of its work."""

    course: Course
    work: list[Work]


def parse(model: type[Parsed], rows: list[dict[str, Any]]) -> list[Parsed]:
    """Read rows; raises `Incomplete` when one is not what the contract says, since leaving it out would delete it."""
    try:
        return [model.model_validate(row) for row in rows]
    except ValidationError as error:
        raise Incomplete(model.__name__) from error


async def read_course(client: CanvasClient, course: Course) -> WholeCourse:
    """Read a course in one request, or in three where the key may not include one thing in another."""
    params = [("include[]", "assignments"), ("include[]", "submission"), ("scope_assignments_to_student", "true")]
    groups = parse(Group, await client.rows(f"courses/{course.id}/assignment_groups", params))
    if any(group.assignments is None for group in groups):
        rows = await client.rows(f"courses/{course.id}/assignments", [("include[]", "submission")])
    else:
        rows = [row for group in groups for row in group.assignments or ()]
    if any("submission" not in row for row in rows):
        found = await client.rows(f"courses/{course.id}/students/submissions")
        by_work = {str(row.get("assignment_id")): row for row in found}
        rows = [row | {"submission": by_work.get(str(row.get("id")))} for row in rows]
    work = {one.id: one for one in parse(Work, [{"course_id": course.id} | row for row in rows])}
    weighted = course.apply_assignment_group_weights
    shares = [
        Share(group_id=group.id, name=group.name, percent=group.group_weight if weighted else None) for group in groups
    ]
    return WholeCourse(course.model_copy(update={"shares": tuple(shares)}), list(work.values()))
