"""The planner's items: work, announcements, events and notes on one time line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulators.canvas.access import Visit
from simulators.canvas.clock import stamp
from simulators.canvas.model import Announcement, Assignment, CalendarEvent, Course, PlannerNote, PlannerOverride
from simulators.canvas.semantics import dates_for, grade_is_hidden, is_assigned, is_late, is_missing
from simulators.canvas.views.work import assignment_json

NEWS = timedelta(days=3)


@dataclass(frozen=True)
class Item:
    """One planner item: what it is about, the moment it stands at, and Canvas's JSON of it."""

    date: datetime
    plannable_id: int
    json: dict[str, Any]

    @property
    def bookmark(self) -> list[Any]:
        """The place in the merged list, written as Canvas writes it."""
        return ["viewing", [self.date.strftime("%Y-%m-%d %H:%M:%S.000000"), self.plannable_id]]


def course_items(visit: Visit, course: Course) -> Iterator[Item]:
    for assignment in visit.world.assignments_of(course.id):
        due_at = dates_for(visit.world, assignment, visit.user.id).due_at
        if due_at and is_assigned(visit.world, assignment, visit.user.id):
            yield _work(visit, course, assignment, due_at)
    for announcement in visit.world.announcements_of(course.id):
        yield _announcement(visit, course, announcement)
    for event in visit.world.events_in(f"course_{course.id}"):
        yield _event(visit, event, course)


def personal_items(visit: Visit) -> Iterator[Item]:
    for event in visit.world.events_in(f"user_{visit.user.id}"):
        yield _event(visit, event, None)
    for note in visit.world.notes_of(visit.user.id):
        yield _note(visit, note)


def _work(visit: Visit, course: Course, assignment: Assignment, due_at: datetime) -> Item:
    kind, plannable_id, place = "assignment", assignment.id, "assignments"
    if assignment.quiz_id is not None:
        kind, plannable_id, place = "quiz", assignment.quiz_id, "quizzes"
    elif assignment.discussion_id is not None:
        kind, plannable_id, place = "discussion_topic", assignment.discussion_id, "discussion_topics"
    plannable: dict[str, Any] = {
        "id": plannable_id,
        "title": assignment.name,
        "created_at": stamp(assignment.created_at),
        "updated_at": stamp(assignment.updated_at),
        "points_possible": assignment.points_possible,
        "due_at": stamp(due_at),
    }
    if plannable_id != assignment.id:
        plannable["assignment_id"] = assignment.id
    if visit.behaviour.old_planner_shape:
        plannable = assignment_json(visit, assignment)
    status = _status(visit, course, assignment)
    new = bool(status["posted_at"] and visit.now - NEWS <= _posted_at(visit, assignment) <= visit.now)
    mark = visit.world.planner_override(visit.user.id, kind, plannable_id)
    address = f"/courses/{course.id}/{place}/{plannable_id}"
    json = _item(kind, plannable, due_at, course, mark) | {"new_activity": new, "submissions": status}
    return Item(due_at, plannable_id, json | {"html_url": address})


def _posted_at(visit: Visit, assignment: Assignment) -> datetime:
    return visit.world.submission_of(assignment.id, visit.user.id).posted_at or visit.now


def _status(visit: Visit, course: Course, assignment: Assignment) -> dict[str, Any]:
    row = visit.world.submission_of(assignment.id, visit.user.id)
    shown = not grade_is_hidden(assignment, row)
    graded = shown and row.graded_at is not None
    status: dict[str, Any] = {
        "submitted": row.submitted_at is not None,
        "excused": bool(row.excused),
        "graded": graded,
        "posted_at": stamp(row.posted_at),
        "late": is_late(visit.world, assignment, row),
        "missing": is_missing(visit.world, assignment, row),
        "needs_grading": row.submitted_at is not None and (row.graded_at is None or row.pending_review),
        "has_feedback": bool(row.comment) and shown,
        "redo_request": row.redo_request,
    }
    if status["has_feedback"]:
        status["feedback"] = {
            "comment": row.comment,
            "is_media": False,
            "author_name": course.teacher.display_name,
            "author_avatar_url": None,
        }
    return status


def _announcement(visit: Visit, course: Course, row: Announcement) -> Item:
    unread = visit.user.id not in row.read_by
    plannable = {
        "id": row.id,
        "title": row.title,
        "unread_count": 0,
        "read_state": "unread" if unread else "read",
        "created_at": stamp(row.posted_at),
        "updated_at": stamp(row.posted_at),
    }
    mark = visit.world.planner_override(visit.user.id, "announcement", row.id)
    json = _item("announcement", plannable, row.posted_at, course, mark) | {"new_activity": unread}
    return Item(row.posted_at, row.id, json | {"html_url": f"/courses/{course.id}/discussion_topics/{row.id}"})


def _event(visit: Visit, row: CalendarEvent, course: Course | None) -> Item:
    plannable = {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "location_name": row.location_name,
        "all_day": row.all_day,
        "start_at": stamp(row.start_at),
        "end_at": stamp(row.end_at),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }
    mark = visit.world.planner_override(visit.user.id, "calendar_event", row.id)
    address = f"/calendar?event_id={row.id}&include_contexts={row.context_code}"
    return Item(
        row.start_at, row.id, _item("calendar_event", plannable, row.start_at, course, mark) | {"html_url": address}
    )


def _note(visit: Visit, row: PlannerNote) -> Item:
    plannable = {
        "id": row.id,
        "title": row.title,
        "details": row.details,
        "todo_date": stamp(row.todo_date),
        "user_id": row.user_id,
        "course_id": row.course_id,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.created_at),
    }
    mark = visit.world.planner_override(visit.user.id, "planner_note", row.id)
    course = visit.world.course(row.course_id) if row.course_id is not None else None
    return Item(row.todo_date, row.id, _item("planner_note", plannable, row.todo_date, course, mark))


def _item(
    kind: str, plannable: dict[str, Any], date: datetime, course: Course | None, mark: PlannerOverride | None
) -> dict[str, Any]:
    context = {"context_type": "Course", "course_id": course.id} if course else {}
    named = {"context_name": course.name, "context_image": None} if course else {}
    return {
        **context,
        "plannable_id": plannable["id"],
        "planner_override": override_json(mark),
        "plannable_type": kind,
        "new_activity": False,
        "submissions": False,
        "plannable_date": stamp(date),
        "plannable": plannable,
        **named,
    }


def override_json(mark: PlannerOverride | None) -> dict[str, Any] | None:
    if mark is None:
        return None
    return {
        "id": mark.id,
        "plannable_type": mark.plannable_type,
        "plannable_id": mark.plannable_id,
        "user_id": mark.user_id,
        "assignment_id": mark.assignment_id,
        "workflow_state": "active",
        "marked_complete": mark.marked_complete,
        "dismissed": mark.dismissed,
        "created_at": stamp(mark.created_at),
        "updated_at": stamp(mark.created_at),
        "deleted_at": None,
    }
