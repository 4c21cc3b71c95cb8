"""Canvas's objects as we keep them. Unknown keys are left aside and absent ones allowed: releases and roles differ."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, model_validator

Id = Annotated[str, BeforeValidator(lambda value: value if value is None else str(value))]
"""Ids are text: those of partner institutions are beyond 2^53."""
Truth = Annotated[bool, BeforeValidator(bool)]
"""Canvas writes null for no."""
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: value or ())]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Submission(_Lenient):
    """The student's own submission."""

    workflow_state: str | None = None
    submitted_at: AwareDatetime | None = None
    graded_at: AwareDatetime | None = None
    posted_at: AwareDatetime | None = None
    cached_due_date: AwareDatetime | None = None
    grader_id: Id | None = None
    score: float | None = None
    grade: str | None = None
    grade_hidden: bool = False
    points_deducted: float | None = None
    late: Truth = False
    missing: Truth = False
    excused: Truth = False
    late_policy_status: str | None = None
    custom_grade_status_id: Id | None = None
    grade_matches_current_submission: bool | None = None
    redo_request: Truth = False

    @model_validator(mode="before")
    @classmethod
    def _hidden(cls, data: Any) -> Any:
        """Canvas takes a hidden grade's keys away: absent is not the same as null, and neither is nought."""
        if isinstance(data, dict) and "grade_hidden" not in data:
            return data | {"grade_hidden": "score" not in data and "grade" not in data}
        return data


class Work(_Lenient):
    """An assignment, quiz or graded discussion with what the student did about it."""

    id: Id
    course_id: Id
    name: str = ""
    due_at: AwareDatetime | None = None
    unlock_at: AwareDatetime | None = None
    lock_at: AwareDatetime | None = None
    points_possible: float | None = None
    grading_type: str | None = None
    assignment_group_id: Id | None = None
    submission_types: Texts = ()
    is_quiz_lti_assignment: Truth = False
    omit_from_final_grade: Truth = False
    hide_in_gradebook: Truth = False
    locked_for_user: Truth = False
    html_url: str | None = None
    submission: Submission | None = None

    @property
    def due(self) -> datetime | None:
        """The student's own due date: overrides are in the submission's first."""
        return (self.submission.cached_due_date if self.submission else None) or self.due_at


class Group(_Lenient):
    """A group of work with its share of the grade; `assignments` is absent where Canvas ignores includes."""

    id: Id
    name: str = ""
    group_weight: float | None = None
    assignments: list[dict[str, Any]] | None = None


class Share(_Lenient):
    """A group's share of the grade, in percent; None where the course does not weigh groups."""

    group_id: str
    name: str
    percent: float | None


class Enrollment(_Lenient):
    """How the student is in a course. What a final score would be counts ungraded work as nought and is not kept."""

    enrollment_state: str | None = None
    computed_current_score: float | None = None
    computed_current_grade: str | None = None


class Course(_Lenient):
    """A course of the student's. Outside its dates Canvas gives the id alone."""

    id: Id
    name: str | None = None
    course_code: str | None = None
    time_zone: str | None = None
    access_restricted_by_date: Truth = False
    apply_assignment_group_weights: Truth = False
    hide_final_grades: Truth = False
    enrollments: tuple[Enrollment, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def current(self) -> Enrollment | None:
        """The enrollment whose total counts: a student may be in one course twice."""
        states = sorted(
            self.enrollments, key=lambda row: (row.enrollment_state != "active", row.computed_current_score is None)
        )
        return states[0] if states else None


class Event(_Lenient):
    """A calendar entry of a course or the student's own."""

    id: Id
    title: str = ""
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    all_day: Truth = False
    all_day_date: str | None = None
    location_name: str | None = None
    context_code: str | None = None
    hidden: Truth = False
    workflow_state: str | None = None

    @property
    def course_id(self) -> str | None:
        kind, _, number = (self.context_code or "").partition("_")
        return number if kind == "course" else None


class Note(_Lenient):
    """What a student wrote into the planner."""

    id: Id
    title: str = ""
    details: str | None = None
    todo_date: AwareDatetime | None = None
    course_id: Id | None = None


class Announcement(_Lenient):
    """News of a course; the text itself stays in Canvas."""

    id: Id
    title: str = ""
    posted_at: AwareDatetime | None = None
    context_code: str | None = None
    html_url: str | None = None

    @property
    def course_id(self) -> str | None:
        return (self.context_code or "").removeprefix("course_") or None


class Profile(_Lenient):
    """Of the student's profile only the zone in which times are said."""

    time_zone: str | None = None
