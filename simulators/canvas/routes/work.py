"""A course's work and what the student did about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import Response

from simulators.canvas.access import Visit, Visitor
from simulators.canvas.errors import CanvasError
from simulators.canvas.model import Assignment, Submission
from simulators.canvas.paging import bookmarked, numbered
from simulators.canvas.semantics import dates_for, is_assigned, is_locked, is_missing, state_of
from simulators.canvas.views.calendar import due_for
from simulators.canvas.views.courses import course_json
from simulators.canvas.views.planner import override_json
from simulators.canvas.views.work import assignment_json, group_json, submission_json

router = APIRouter(prefix="/api/v1")

SOON = timedelta(days=7)


def work_of(visit: Visit, course_id: int) -> list[Assignment]:
    """The assignments of a course that concern the student."""
    return [row for row in visit.world.assignments_of(course_id) if is_assigned(visit.world, row, visit.user.id)]


@router.get("/courses/{course_id}/assignment_groups")
def assignment_groups(visit: Visitor, course_id: int) -> Response:
    course = visit.course(course_id)
    work = work_of(visit, course.id)
    groups = visit.world.groups_of(course.id)
    inside = {group.id: [row for row in work if row.group_id == group.id] for group in groups}
    return visit.answer_page(numbered(visit.asked, groups, lambda group: group_json(visit, group, inside[group.id])))


def _buckets(visit: Visit) -> dict[str, Callable[[Assignment, datetime | None, Submission], bool]]:
    now = visit.now
    return {
        "past": lambda row, due, _: due is not None and due < now,
        "overdue": lambda row, due, done: is_missing(visit.world, row, done),
        "undated": lambda row, due, _: due is None,
        "ungraded": lambda row, due, done: done.submitted_at is not None and done.graded_at is None,
        "unsubmitted": lambda row, due, done: done.submitted_at is None,
        "upcoming": lambda row, due, _: due is not None and now <= due <= now + SOON,
        "future": lambda row, due, _: due is None or due >= now,
    }


@router.get("/courses/{course_id}/assignments")
def assignments(visit: Visitor, course_id: int) -> Response:
    rows = work_of(visit, visit.course(course_id).id)
    wanted = visit.many("assignment_ids")
    if wanted:
        rows = [row for row in rows if str(row.id) in wanted]
    if search := visit.one("search_term"):
        rows = [row for row in rows if search.lower() in row.name.lower()]
    if bucket := visit.one("bucket"):
        belongs = _buckets(visit).get(bucket)
        if belongs is None:
            raise CanvasError(400, {"errors": {"bucket": "invalid bucket name"}})
        submission = visit.world.submission_of
        rows = [row for row in rows if belongs(row, due_for(visit, row), submission(row.id, visit.user.id))]
    match visit.one("order_by"):
        case "name":
            rows.sort(key=lambda row: row.name.lower())
        case "due_at":
            rows.sort(key=lambda row: ((due := due_for(visit, row)) is None, due, row.id))
    return visit.answer_page(numbered(visit.asked, rows, lambda row: assignment_json(visit, row)))


@router.get("/courses/{course_id}/students/submissions")
def submissions(visit: Visitor, course_id: int) -> Response:
    """The student's own submissions; anybody else's are refused. `*_since` filters both have to hold."""
    course = visit.course(course_id)
    for student in visit.many("student_ids"):
        if student != "all":
            visit.myself(student)
    work = {row.id: row for row in work_of(visit, course.id)}
    wanted = visit.many("assignment_ids")
    if any(not name.isdecimal() or int(name) not in work for name in wanted):
        raise CanvasError(403, {"error": "invalid assignment ids requested"})
    chosen = [int(name) for name in wanted] or list(work)
    rows = [visit.world.submission_of(assignment_id, visit.user.id) for assignment_id in chosen]
    rows = [row for row in rows if _is_asked_for(visit, row)]
    descending = visit.one("order_direction") == "descending"
    by_grade = visit.one("order") == "graded_at"

    def place(row: Submission) -> list[str | int]:
        return [row.graded_at.isoformat() if row.graded_at else "", row.id] if by_grade else [row.id]

    rows.sort(key=place, reverse=descending)

    def render(row: Submission) -> dict[str, object]:
        written = submission_json(visit, work[row.assignment_id], row)
        if "assignment" in visit.includes:
            written["assignment"] = assignment_json(visit, work[row.assignment_id])
        if "submission_comments" in visit.includes:
            written["submission_comments"] = [{"comment": row.comment}] if row.comment else []
        return written

    return visit.answer_page(bookmarked(visit.asked, rows, place, render, descending))


def _is_asked_for(visit: Visit, row: Submission) -> bool:
    submitted_since, graded_since = visit.moment("submitted_since"), visit.moment("graded_since")
    if submitted_since and not (row.submitted_at and row.submitted_at >= submitted_since):
        return False
    if graded_since and not (row.graded_at and row.graded_at >= graded_since):
        return False
    return visit.one("workflow_state") in (None, state_of(row))


@router.get("/users/{user_id}/missing_submissions")
def missing_submissions(visit: Visitor, user_id: str) -> Response:
    """Assignments, not submissions: what is missing, the oldest first."""
    visit.myself(user_id)
    wanted = visit.many("course_ids")
    filters = visit.many("filter")
    rows = [
        (due, row)
        for course in visit.active_courses()
        if not wanted or str(course.id) in wanted
        for row in work_of(visit, course.id)
        if is_missing(visit.world, row, visit.world.submission_of(row.id, visit.user.id))
        and (due := due_for(visit, row))
        and not ("submittable" in filters and is_locked(dates_for(visit.world, row, visit.user.id), visit.now))
    ]
    rows.sort(key=lambda pair: (pair[0], pair[1].id))

    def render(pair: tuple[datetime, Assignment]) -> dict[str, object]:
        row = pair[1]
        written = assignment_json(visit, row)
        if "planner_overrides" in visit.includes:
            mark = visit.world.planner_override(visit.user.id, "assignment", row.id)
            written["planner_override"] = override_json(mark)
        course = visit.world.course(row.course_id)
        if "course" in visit.includes and course is not None:
            written["course"] = course_json(visit, course, [])
        return written

    return visit.answer_page(numbered(visit.asked, rows, render))
