"""What a Canvas holds, as far as a student's client can see it. All times are in UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass
class User:
    id: int
    name: str
    login_id: str
    time_zone: str
    created_at: datetime
    locale: str | None = None

    @property
    def short_name(self) -> str:
        return self.name.split()[0]

    @property
    def sortable_name(self) -> str:
        first, _, last = self.name.rpartition(" ")
        return f"{last}, {first}" if first else last


@dataclass
class Teacher:
    id: int
    display_name: str


@dataclass
class Course:
    """A course. `restricted_by_date` leaves of it only the stub that students see outside its dates."""

    id: int
    name: str
    course_code: str
    time_zone: str
    teacher: Teacher
    start_at: datetime
    end_at: datetime | None = None
    term_id: int = 12
    term_name: str = "Autumn"
    workflow_state: str = "available"
    weighted: bool = False
    hide_final_grades: bool = False
    restricted_by_date: bool = False
    concluded: bool = False


class EnrollmentState(StrEnum):
    ACTIVE = "active"
    INVITED = "invited"
    COMPLETED = "completed"


@dataclass
class Enrollment:
    id: int
    user_id: int
    course_id: int
    section_id: int
    state: EnrollmentState = EnrollmentState.ACTIVE


@dataclass
class AssignmentGroup:
    """A group of assignments; `weight` is in percent and counts only in a weighted course."""

    id: int
    course_id: int
    name: str
    position: int
    weight: float = 0.0
    drop_lowest: int = 0
    never_drop: list[int] = field(default_factory=list)


@dataclass
class Override:
    """Other dates for some students (`user_ids`) or for a section."""

    id: int
    title: str
    due_at: datetime | None = None
    unlock_at: datetime | None = None
    lock_at: datetime | None = None
    user_ids: list[int] = field(default_factory=list)
    section_id: int | None = None


@dataclass
class Assignment:
    """A piece of work. `post_manually` keeps its grades hidden until they are posted."""

    id: int
    course_id: int
    group_id: int
    name: str
    points_possible: float | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None = None
    unlock_at: datetime | None = None
    lock_at: datetime | None = None
    description: str = ""
    position: int = 1
    grading_type: str = "points"
    submission_types: list[str] = field(default_factory=lambda: ["online_upload"])
    quiz_id: int | None = None
    discussion_id: int | None = None
    group_category_id: int | None = None
    new_quiz: bool = False
    post_manually: bool = False
    published: bool = True
    omit_from_final_grade: bool = False
    hide_in_gradebook: bool = False
    only_visible_to_overrides: bool = False
    overrides: list[Override] = field(default_factory=list)


@dataclass
class Submission:
    """What one student did about one assignment. `score` is after `points_deducted`; `posted_at` shows it to them."""

    id: int
    assignment_id: int
    user_id: int
    submission_type: str | None = None
    submitted_at: datetime | None = None
    attempt: int | None = None
    score: float | None = None
    points_deducted: float | None = None
    graded_at: datetime | None = None
    posted_at: datetime | None = None
    grader_id: int | None = None
    late_policy_status: str | None = None
    excused: bool | None = None
    pending_review: bool = False
    redo_request: bool = False
    grade_matches_current_submission: bool = True
    body: str | None = None
    comment: str | None = None


@dataclass
class CalendarEvent:
    """An event of a course or of a student; `context_code` is `course_N` or `user_N`."""

    id: int
    context_code: str
    title: str
    start_at: datetime
    end_at: datetime
    created_at: datetime
    location_name: str = ""
    description: str = ""
    all_day: bool = False


@dataclass
class Announcement:
    id: int
    course_id: int
    title: str
    message: str
    posted_at: datetime
    read_by: list[int] = field(default_factory=list)


@dataclass
class PlannerNote:
    id: int
    user_id: int
    title: str
    todo_date: datetime
    created_at: datetime
    details: str = ""
    course_id: int | None = None


@dataclass
class PlannerOverride:
    """A student's own mark on a planner item: done, or dismissed."""

    id: int
    user_id: int
    plannable_type: str
    plannable_id: int
    created_at: datetime
    marked_complete: bool = False
    dismissed: bool = False
    assignment_id: int | None = None


@dataclass
class DeveloperKey:
    """A client that may ask for tokens. `scopes` None asks for none; `redirect_domain` covers its subdomains."""

    id: int
    secret: str
    redirect_domain: str
    scopes: list[str] | None = None
    allow_includes: bool = True
    auto_expire_tokens: bool = True
    enabled: bool = True
    trusted: bool = False
