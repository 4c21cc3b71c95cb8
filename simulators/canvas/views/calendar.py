"""Calendar entries, announcements and to-dos as JSON."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.canvas.access import Visit
from simulators.canvas.clock import stamp
from simulators.canvas.model import Announcement, Assignment, CalendarEvent, Course
from simulators.canvas.semantics import dates_for
from simulators.canvas.views.work import assignment_address, assignment_json


def context_name(visit: Visit, context_code: str) -> str:
    kind, _, number = context_code.partition("_")
    course = visit.world.course(int(number)) if kind == "course" else None
    return course.name if course else visit.user.name


def event_json(visit: Visit, event: CalendarEvent) -> dict[str, Any]:
    local = event.start_at.astimezone(ZoneInfo(visit.user.time_zone))
    return {
        "id": event.id,
        "title": event.title,
        "description": event.description,
        "start_at": stamp(event.start_at),
        "end_at": stamp(event.end_at),
        "location_name": event.location_name,
        "location_address": "",
        "all_day": event.all_day,
        "all_day_date": local.date().isoformat() if event.all_day else None,
        "created_at": stamp(event.created_at),
        "updated_at": stamp(event.created_at),
        "workflow_state": "active",
        "context_code": event.context_code,
        "effective_context_code": None,
        "context_name": context_name(visit, event.context_code),
        "parent_event_id": None,
        "hidden": False,
        "child_events_count": 0,
        "child_events": [],
        "important_dates": False,
        "rrule": None,
        "series_head": None,
        "type": "event",
        "url": f"{visit.base}/api/v1/calendar_events/{event.id}",
        "html_url": f"{visit.base}/calendar?event_id={event.id}&include_contexts={event.context_code}",
    }


def assignment_event_json(visit: Visit, assignment: Assignment, due_at: datetime) -> dict[str, Any]:
    """An assignment as an entry of the calendar: its id is text, and a day's last minute makes it last all day."""
    local = due_at.astimezone(ZoneInfo(visit.user.time_zone))
    all_day = (local.hour, local.minute) == (23, 59)
    return {
        "id": f"assignment_{assignment.id}",
        "title": assignment.name,
        "description": assignment.description or None,
        "start_at": stamp(due_at),
        "end_at": stamp(due_at),
        "all_day": all_day,
        "all_day_date": local.date().isoformat() if all_day else None,
        "created_at": stamp(assignment.created_at),
        "updated_at": stamp(assignment.updated_at),
        "workflow_state": "published",
        "context_code": f"course_{assignment.course_id}",
        "important_dates": False,
        "type": "assignment",
        "assignment": assignment_json(visit, assignment),
        "url": f"{visit.base}/api/v1/calendar_events/assignment_{assignment.id}",
        "html_url": assignment_address(visit, assignment),
    }


def announcement_json(visit: Visit, row: Announcement, course: Course) -> dict[str, Any]:
    unread = visit.user.id not in row.read_by
    author = {
        "id": course.teacher.id,
        "display_name": course.teacher.display_name,
        "avatar_image_url": None,
        "html_url": f"{visit.base}/courses/{course.id}/users/{course.teacher.id}",
    }
    return {
        "id": row.id,
        "title": row.title,
        "message": row.message,
        "posted_at": stamp(row.posted_at),
        "delayed_post_at": None,
        "last_reply_at": stamp(row.posted_at),
        "context_code": f"course_{course.id}",
        "author": author,
        "read_state": "unread" if unread else "read",
        "unread_count": 0,
        "published": True,
        "locked": False,
        "is_section_specific": False,
        "subscription_hold": "topic_is_announcement",
        "attachments": [],
        "html_url": f"{visit.base}/courses/{course.id}/discussion_topics/{row.id}",
    }


def todo_json(visit: Visit, assignment: Assignment) -> dict[str, Any]:
    ignore = f"{visit.base}/api/v1/users/self/todo/assignment_{assignment.id}/submitting?permanent="
    return {
        "type": "submitting",
        "assignment": assignment_json(visit, assignment),
        "ignore": f"{ignore}0",
        "ignore_permanently": f"{ignore}1",
        "html_url": f"{assignment_address(visit, assignment)}#submit",
        "context_type": "course",
        "course_id": assignment.course_id,
    }


def due_for(visit: Visit, assignment: Assignment) -> datetime | None:
    return dates_for(visit.world, assignment, visit.user.id).due_at
