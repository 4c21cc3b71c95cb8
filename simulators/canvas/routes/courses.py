"""`/users` and `/courses`: who the student is, and where they study."""

from fastapi import APIRouter
from fastapi.responses import Response

from simulators.canvas.access import Visit, Visitor
from simulators.canvas.model import Course, Enrollment, EnrollmentState
from simulators.canvas.paging import numbered
from simulators.canvas.views.courses import STUDENT, course_json, enrollment_json, profile_json, user_json

router = APIRouter(prefix="/api/v1")

ENROLLMENT_STATES = {
    "active": EnrollmentState.ACTIVE,
    "invited_or_pending": EnrollmentState.INVITED,
    "completed": EnrollmentState.COMPLETED,
}


@router.get("/users/{user_id}")
def user(visit: Visitor, user_id: str) -> Response:
    visit.myself(user_id)
    return visit.answer(user_json(visit))


@router.get("/users/{user_id}/profile")
def profile(visit: Visitor, user_id: str) -> Response:
    visit.myself(user_id)
    return visit.answer(profile_json(visit))


@router.get("/users/{user_id}/courses")
def courses_of(visit: Visitor, user_id: str) -> Response:
    visit.myself(user_id)
    return courses(visit)


@router.get("/courses")
def courses(visit: Visitor) -> Response:
    """The student's courses, each once, with all of their enrollments in it."""
    rows: dict[int, tuple[Course, list[Enrollment]]] = {}
    for enrollment in visit.enrollments():
        course = visit.world.course(enrollment.course_id)
        if course is not None and _is_asked_for(visit, course, enrollment):
            rows.setdefault(course.id, (course, []))[1].append(enrollment)
    ordered = [rows[course_id] for course_id in sorted(rows)]
    return visit.answer_page(numbered(visit.asked, ordered, lambda row: course_json(visit, *row)))


def _is_asked_for(visit: Visit, course: Course, enrollment: Enrollment) -> bool:
    if course.workflow_state not in (visit.many("state") or ["available", "completed"]):
        return False
    if visit.one("enrollment_type") not in (None, "student"):
        return False
    wanted = visit.one("enrollment_state")
    return wanted is None or effective_state(course, enrollment) is ENROLLMENT_STATES.get(wanted)


def effective_state(course: Course, enrollment: Enrollment) -> EnrollmentState:
    """An enrollment's state by its course's dates too: a concluded course completes it."""
    return EnrollmentState.COMPLETED if course.concluded else enrollment.state


@router.get("/users/{user_id}/enrollments")
def enrollments(visit: Visitor, user_id: str) -> Response:
    visit.myself(user_id)
    states = visit.many("state") or ["active", "invited"]
    types = visit.many("type")
    rows = [
        (enrollment, course)
        for enrollment in visit.enrollments()
        if (course := visit.world.course(enrollment.course_id))
        and effective_state(course, enrollment) in states
        and (not types or STUDENT in types)
    ]
    return visit.answer_page(numbered(visit.asked, rows, lambda row: enrollment_json(visit, *row)))
