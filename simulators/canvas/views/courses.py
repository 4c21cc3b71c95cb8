"""Users, courses and enrollments as JSON."""

from collections.abc import Callable
from typing import Any

from simulators.canvas.access import Visit
from simulators.canvas.clock import stamp
from simulators.canvas.model import Course, Enrollment
from simulators.canvas.semantics import Totals, letter, totals_of

STUDENT = "StudentEnrollment"
STUDENT_ROLE = 3


def user_json(visit: Visit) -> dict[str, Any]:
    user = visit.user
    return {
        "id": user.id,
        "name": user.name,
        "created_at": stamp(user.created_at),
        "sortable_name": user.sortable_name,
        "short_name": user.short_name,
        "avatar_url": f"{visit.base}/images/messages/avatar-50.png",
        "locale": user.locale,
        "effective_locale": user.locale or "en",
        "permissions": {
            "can_update_name": False,
            "can_update_avatar": True,
            "limit_parent_app_web_access": False,
        },
    }


def profile_json(visit: Visit) -> dict[str, Any]:
    user = visit.user
    return {
        "id": user.id,
        "name": user.name,
        "short_name": user.short_name,
        "primary_email": f"{user.login_id}@example.edu",
        "login_id": user.login_id,
        "avatar_url": None,
        "calendar": {"ics": f"{visit.base}/feeds/calendars/user_{user.id}.ics"},
        "time_zone": user.time_zone,
        "locale": user.locale,
    }


def course_json(visit: Visit, course: Course, enrollments: list[Enrollment]) -> dict[str, Any]:
    """A course with the student's enrollments in it; outside its dates only a stub."""
    if course.restricted_by_date:
        return {"id": course.id, "access_restricted_by_date": True}
    plain: dict[str, Any] = {
        "id": course.id,
        "name": course.name,
        "account_id": 9,
        "uuid": f"course-{course.id}",
        "start_at": stamp(course.start_at),
        "end_at": stamp(course.end_at),
        "grading_standard_id": None,
        "is_public": False,
        "course_code": course.course_code,
        "default_view": "modules",
        "root_account_id": 1,
        "enrollment_term_id": course.term_id,
        "license": None,
        "grade_passback_setting": None,
        "public_syllabus": False,
        "public_syllabus_to_auth": False,
        "storage_quota_mb": 500,
        "is_public_to_auth_users": False,
        "homeroom_course": False,
        "course_color": None,
        "friendly_name": None,
        "apply_assignment_group_weights": course.weighted,
        "calendar": {"ics": f"{visit.base}/feeds/calendars/course_{course.id}.ics"},
        "time_zone": course.time_zone,
        "blueprint": False,
        "template": False,
        "hide_final_grades": course.hide_final_grades,
        "workflow_state": course.workflow_state,
        "restrict_enrollments_to_course_dates": False,
    }
    totals = totals_of(visit.world, course, visit.user.id) if "total_scores" in visit.includes else None
    plain["enrollments"] = [_enrolled(visit, course, row, totals) for row in enrollments]
    extras: dict[str, Callable[[], Any]] = {
        "concluded": lambda: course.concluded,
        "term": lambda: _term(course),
        "sections": lambda: [_section(course, row) for row in enrollments],
        "favorites": lambda: True,
        "teachers": lambda: [{"id": course.teacher.id, "display_name": course.teacher.display_name}],
        "course_image": lambda: None,
        "syllabus_body": lambda: f"<p>Syllabus of {course.name}</p>",
    }
    names = {"favorites": "is_favorite", "course_image": "image_download_url"}
    return plain | {names.get(name, name): make() for name, make in extras.items() if name in visit.includes}


def _term(course: Course) -> dict[str, Any]:
    return {
        "id": course.term_id,
        "name": course.term_name,
        "start_at": stamp(course.start_at),
        "end_at": stamp(course.end_at),
        "created_at": stamp(course.start_at),
        "workflow_state": "active",
        "grading_period_group_id": None,
    }


def _section(course: Course, row: Enrollment) -> dict[str, Any]:
    return {
        "id": row.section_id,
        "name": f"{course.course_code} {row.section_id % 100:02d}",
        "start_at": None,
        "end_at": None,
        "enrollment_role": STUDENT,
    }


def _enrolled(visit: Visit, course: Course, row: Enrollment, totals: Totals | None) -> dict[str, Any]:
    enrolled: dict[str, Any] = {
        "type": "student",
        "role": STUDENT,
        "role_id": STUDENT_ROLE,
        "user_id": row.user_id,
        "enrollment_state": row.state,
        "limit_privileges_to_course_section": False,
    }
    if totals is not None and not course.hide_final_grades:
        enrolled |= {
            "computed_current_score": totals.current,
            "computed_final_score": totals.final,
            "computed_current_grade": letter(totals.current),
            "computed_final_grade": letter(totals.final),
        }
    if "current_grading_period_scores" in visit.includes:
        enrolled |= {
            "has_grading_periods": False,
            "totals_for_all_grading_periods_option": False,
            "current_grading_period_title": None,
            "current_grading_period_id": None,
        }
    return enrolled


def enrollment_json(visit: Visit, row: Enrollment, course: Course) -> dict[str, Any]:
    """An enrollment with its grades; a course that hides totals leaves only the address of the grades' page."""
    grades: dict[str, Any] = {"html_url": f"{visit.base}/courses/{course.id}/grades/{row.user_id}"}
    if not course.hide_final_grades:
        totals = totals_of(visit.world, course, row.user_id)
        grades |= {
            "current_grade": letter(totals.current),
            "current_score": totals.current,
            "final_grade": letter(totals.final),
            "final_score": totals.final,
        }
    return {
        "id": row.id,
        "root_account_id": 1,
        "user_id": row.user_id,
        "course_id": row.course_id,
        "course_section_id": row.section_id,
        "associated_user_id": None,
        "limit_privileges_to_course_section": False,
        "type": STUDENT,
        "role": STUDENT,
        "role_id": STUDENT_ROLE,
        "enrollment_state": row.state,
        "created_at": stamp(course.start_at),
        "updated_at": stamp(course.start_at),
        "start_at": None,
        "end_at": None,
        "last_activity_at": stamp(visit.now),
        "last_attended_at": None,
        "total_activity_time": 48_211,
        "html_url": f"{visit.base}/courses/{course.id}/users/{row.user_id}",
        "grades": grades,
    }
