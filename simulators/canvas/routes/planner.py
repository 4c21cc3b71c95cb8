"""The time lines: planner, calendar, announcements, to-dos."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from simulators.canvas.access import Visit, Visitor, canvas_of
from simulators.canvas.errors import CanvasError, not_found
from simulators.canvas.model import Assignment, Course, EnrollmentState
from simulators.canvas.paging import bookmarked, numbered
from simulators.canvas.routes.work import work_of
from simulators.canvas.semantics import dates_for, is_locked
from simulators.canvas.views.calendar import (
    announcement_json,
    assignment_event_json,
    due_for,
    event_json,
    todo_json,
)
from simulators.canvas.views.planner import Item, course_items, personal_items

router = APIRouter(prefix="/api/v1")

PLANNER_SPAN = timedelta(days=14)
OPEN_END = timedelta(days=3653)
ANNOUNCEMENT_SPAN = timedelta(days=28)
SOON = timedelta(days=7)
MAX_CONTEXTS = 10
UPCOMING_LIFE = timedelta(minutes=3)


@router.get("/planner/items")
def planner_items(visit: Visitor) -> Response:
    start, end = visit.moment("start_date"), visit.moment("end_date", end_of_day=True)
    if start is None and end is None:
        start, end = visit.now - PLANNER_SPAN, visit.now + PLANNER_SPAN
    earliest, latest = start or visit.now - OPEN_END, end or visit.now + OPEN_END
    items = [item for item in _planned(visit) if earliest <= item.date <= latest]
    if visit.one("filter") == "new_activity":
        items = [item for item in items if item.json["new_activity"]]
    elif visit.one("filter") == "ungraded_todo_items":
        items = [item for item in items if item.json["plannable_type"] == "planner_note"]
    descending = visit.one("order") == "desc"
    items.sort(key=lambda item: item.bookmark, reverse=descending)
    page = bookmarked(visit.asked, items, lambda item: item.bookmark, lambda item: item.json, descending)
    return visit.answer_unless_known(page.rows, {"Link": page.link})


def _planned(visit: Visit) -> Iterator[Item]:
    contexts = visit.many("context_codes")
    courses = _readable_courses(visit) if "concluded" in visit.includes else visit.active_courses()
    for course in courses:
        if not contexts or f"course_{course.id}" in contexts:
            yield from course_items(visit, course)
    if not contexts or f"user_{visit.user.id}" in contexts:
        yield from personal_items(visit)


def _readable_courses(visit: Visit) -> list[Course]:
    ids = {row.course_id for row in visit.enrollments(EnrollmentState.ACTIVE, EnrollmentState.COMPLETED)}
    found = [course for course_id in sorted(ids) if (course := visit.world.course(course_id))]
    return [course for course in found if not course.restricted_by_date]


@router.get("/calendar_events")
def calendar_events(visit: Visitor) -> Response:
    """Events or assignments of at most ten contexts; without contexts the personal calendar, without dates today."""
    contexts = visit.many("context_codes")[:MAX_CONTEXTS] or [f"user_{visit.user.id}"]
    start, end = visit.moment("start_date"), visit.moment("end_date", end_of_day=True)
    today = visit.now.astimezone(ZoneInfo(visit.user.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    earliest, latest = start or today, end or (start or today) + timedelta(days=1, seconds=-1)
    anything = visit.one("all_events") in ("1", "true")
    undated = visit.one("undated") in ("1", "true")

    def wanted(moment: datetime | None) -> bool:
        if undated:
            return moment is None
        return moment is not None and (anything or earliest <= moment <= latest)

    rows: list[tuple[datetime, int, dict[str, object]]] = []
    for context in contexts:
        course = _context(visit, context)
        if visit.one("type") == "assignment":
            work = work_of(visit, course.id) if course else []
            due = [(due_for(visit, row), row) for row in work]
            rows += [(at, row.id, assignment_event_json(visit, row, at)) for at, row in due if at and wanted(at)]
        else:
            events = visit.world.events_in(context)
            rows += [(row.start_at, row.id, event_json(visit, row)) for row in events if wanted(row.start_at)]
    excluded = set(visit.many("excludes"))
    rows.sort(key=lambda row: row[:2])
    return visit.answer_page(
        numbered(visit.asked, rows, lambda row: {key: value for key, value in row[2].items() if key not in excluded})
    )


def _context(visit: Visit, code: str) -> Course | None:
    """The course of a context code; None for the student's own. Raises as Canvas does for what is not theirs."""
    kind, _, number = code.partition("_")
    if kind == "user":
        visit.myself(number)
        return None
    if kind != "course" or not number.isdecimal():
        raise not_found()
    return visit.course(int(number))


@router.get("/announcements")
def announcements(visit: Visitor) -> Response:
    """Announcements of the named courses; one that is not the student's fails the whole call."""
    codes = visit.many("context_codes")
    if not codes:
        raise CanvasError(400, {"message": "Missing context_codes"})
    courses = [course for code in codes if (course := _context(visit, code))]
    start = visit.moment("start_date") or visit.now - PLANNER_SPAN
    end = visit.moment("end_date", end_of_day=True) or start + ANNOUNCEMENT_SPAN
    rows = [
        (row, course)
        for course in courses
        for row in visit.world.announcements_of(course.id)
        if start <= row.posted_at <= end
    ]
    rows.sort(key=lambda pair: (pair[0].posted_at, pair[0].id), reverse=True)
    if visit.one("latest_only") in ("1", "true"):
        newest = {course.id: row.id for row, course in reversed(rows)}
        rows = [(row, course) for row, course in rows if newest[course.id] == row.id]
    return visit.answer_page(numbered(visit.asked, rows, lambda pair: announcement_json(visit, *pair)))


def _due_soon(visit: Visit) -> list[tuple[datetime, Assignment]]:
    found = [
        (due, row)
        for course in visit.active_courses()
        for row in work_of(visit, course.id)
        if (due := due_for(visit, row)) and visit.now <= due <= visit.now + SOON
    ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].id))


@router.get("/users/self/todo")
def todo(visit: Visitor) -> Response:
    """What is due within a week, can still be handed in and has not been."""
    rows = [
        row
        for _, row in _due_soon(visit)
        if not is_locked(dates_for(visit.world, row, visit.user.id), visit.now)
        and visit.world.submission_of(row.id, visit.user.id).submitted_at is None
    ]
    return visit.answer_page(numbered(visit.asked, rows, lambda row: todo_json(visit, row)))


@router.get("/users/self/upcoming_events")
def upcoming_events(visit: Visitor, request: Request) -> Response:
    """Events and work of the next week, on one page, as they were up to three minutes ago."""
    canvas = canvas_of(request)
    made_at, rows = canvas.upcoming.get(visit.user.id, (None, []))
    if made_at is None or not made_at <= visit.now < made_at + UPCOMING_LIFE:
        contexts = [f"user_{visit.user.id}", *(f"course_{course.id}" for course in visit.active_courses())]
        events = [row for context in contexts for row in visit.world.events_in(context)]
        soon = [
            (row.start_at, event_json(visit, row)) for row in events if visit.now <= row.start_at <= visit.now + SOON
        ]
        soon += [(due, assignment_event_json(visit, row, due)) for due, row in _due_soon(visit)]
        rows = [json for _, json in sorted(soon, key=lambda pair: pair[0])]
        canvas.upcoming[visit.user.id] = (visit.now, rows)
    return visit.answer(rows)
