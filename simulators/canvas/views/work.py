"""Assignments, their groups and submissions as JSON."""

from typing import Any

from simulators.canvas.access import Visit
from simulators.canvas.clock import stamp
from simulators.canvas.model import Assignment, AssignmentGroup, Submission
from simulators.canvas.semantics import (
    Dates,
    dates_for,
    grade_is_hidden,
    is_late,
    is_locked,
    is_missing,
    overrides_for,
    state_of,
)


def group_json(visit: Visit, group: AssignmentGroup, assignments: list[Assignment]) -> dict[str, Any]:
    rules: dict[str, Any] = {"drop_lowest": group.drop_lowest} if group.drop_lowest else {}
    if group.never_drop:
        rules["never_drop"] = group.never_drop
    written: dict[str, Any] = {
        "id": group.id,
        "name": group.name,
        "position": group.position,
        "group_weight": float(group.weight),
        "rules": rules,
    }
    if "assignments" in visit.includes:
        written["assignments"] = [assignment_json(visit, row) for row in assignments]
    return written


def assignment_address(visit: Visit, assignment: Assignment) -> str:
    return f"{visit.base}/courses/{assignment.course_id}/assignments/{assignment.id}"


def assignment_json(visit: Visit, assignment: Assignment) -> dict[str, Any]:
    """An assignment with the student's own dates, and with what `include[]` asks for."""
    dates = dates_for(visit.world, assignment, visit.user.id)
    graded = visit.world.submission_of(assignment.id, visit.user.id)
    address = assignment_address(visit, assignment)
    written: dict[str, Any] = {
        "id": assignment.id,
        "name": assignment.name,
        "description": assignment.description,
        "due_at": stamp(dates.due_at),
        "unlock_at": stamp(dates.unlock_at),
        "lock_at": stamp(dates.lock_at),
        "points_possible": assignment.points_possible,
        "grading_type": assignment.grading_type,
        "assignment_group_id": assignment.group_id,
        "grading_standard_id": None,
        "created_at": stamp(assignment.created_at),
        "updated_at": stamp(assignment.updated_at),
        "peer_reviews": False,
        "automatic_peer_reviews": False,
        "anonymous_peer_reviews": False,
        "intra_group_peer_reviews": False,
        "position": assignment.position,
        "grade_group_students_individually": False,
        "group_category_id": assignment.group_category_id,
        "post_to_sis": False,
        "moderated_grading": False,
        "omit_from_final_grade": assignment.omit_from_final_grade,
        "hide_in_gradebook": assignment.hide_in_gradebook,
        "anonymous_grading": False,
        "anonymous_instructor_annotations": False,
        "allowed_attempts": -1,
        "course_id": assignment.course_id,
        "submission_types": assignment.submission_types,
        "has_submitted_submissions": graded.submitted_at is not None,
        "graded_submissions_exist": graded.graded_at is not None,
        "due_date_required": False,
        "max_name_length": 255,
        "in_closed_grading_period": False,
        "is_quiz_assignment": assignment.quiz_id is not None,
        "can_duplicate": False,
        "workflow_state": "published",
        "published": True,
        "important_dates": False,
        "muted": assignment.post_manually,
        "html_url": address,
        "only_visible_to_overrides": assignment.only_visible_to_overrides,
        "visible_to_everyone": not assignment.only_visible_to_overrides,
        "restrict_quantitative_data": False,
        "require_lockdown_browser": False,
        "anonymize_students": False,
        "submissions_download_url": f"{address}/submissions?zip=1",
    }
    return written | _lock(visit, assignment, dates) | _kind(assignment) | _included(visit, assignment, dates, graded)


def _lock(visit: Visit, assignment: Assignment, dates: Dates) -> dict[str, Any]:
    if not is_locked(dates, visit.now):
        return {"locked_for_user": False}
    info = {
        "asset_string": f"assignment_{assignment.id}",
        "unlock_at": stamp(dates.unlock_at),
        "lock_at": stamp(dates.lock_at),
        "can_view": True,
    }
    return {"locked_for_user": True, "lock_info": info, "lock_explanation": "This assignment is locked."}


def _kind(assignment: Assignment) -> dict[str, Any]:
    if assignment.quiz_id is not None:
        return {"quiz_id": assignment.quiz_id}
    if assignment.new_quiz:
        return {"is_quiz_lti_assignment": True}
    return {"allowed_extensions": ["pdf"]} if "online_upload" in assignment.submission_types else {}


def _included(visit: Visit, assignment: Assignment, dates: Dates, submission: Submission) -> dict[str, Any]:
    included: dict[str, Any] = {}
    if "submission" in visit.includes:
        included["submission"] = submission_json(visit, assignment, submission)
    if "all_dates" in visit.includes:
        rows = [
            {
                "id": row.id,
                "title": row.title,
                "due_at": stamp(row.due_at),
                "unlock_at": stamp(row.unlock_at),
                "lock_at": stamp(row.lock_at),
            }
            for row in overrides_for(visit.world, assignment, visit.user.id)
        ]
        everyone = {"base": True, "title": "Everyone", "due_at": stamp(dates.due_at)}
        everyone |= {"unlock_at": stamp(dates.unlock_at), "lock_at": stamp(dates.lock_at)}
        included["all_dates"] = rows or [everyone]
    return included


def number_text(score: float | None) -> str | None:
    return None if score is None else f"{score:g}"


def submission_json(visit: Visit, assignment: Assignment, submission: Submission) -> dict[str, Any]:
    """A student's own submission. Where the grade is hidden its keys are absent, not null."""
    world = visit.world
    late = is_late(world, assignment, submission)
    due_at = dates_for(world, assignment, submission.user_id).due_at
    overdue = (submission.submitted_at - due_at).total_seconds() if late and submission.submitted_at and due_at else 0
    entered = None if submission.score is None else submission.score + (submission.points_deducted or 0)
    grade: dict[str, Any] = {
        "score": submission.score,
        "grade": number_text(submission.score),
        "entered_score": entered,
        "entered_grade": number_text(entered),
    }
    address = f"{assignment_address(visit, assignment)}/submissions/{submission.user_id}"
    written = {
        "id": submission.id,
        "assignment_id": assignment.id,
        "user_id": submission.user_id,
        "workflow_state": state_of(submission),
        "submission_type": submission.submission_type,
        "attempt": submission.attempt,
        "submitted_at": stamp(submission.submitted_at),
        "graded_at": stamp(submission.graded_at),
        "posted_at": stamp(submission.posted_at),
        "grader_id": submission.grader_id,
        "points_deducted": submission.points_deducted,
        "late": late,
        "seconds_late": int(overdue),
        "missing": is_missing(world, assignment, submission),
        "late_policy_status": submission.late_policy_status,
        "excused": submission.excused,
        "cached_due_date": stamp(due_at),
        "grading_period_id": None,
        "grade_matches_current_submission": submission.grade_matches_current_submission,
        "extra_attempts": None,
        "redo_request": submission.redo_request,
        "custom_grade_status_id": None,
        "sticker": None,
        "body": submission.body,
        "url": None,
        "preview_url": f"{address}?preview=1&version={submission.attempt or 0}",
    }
    return written if grade_is_hidden(assignment, submission) else written | grade
