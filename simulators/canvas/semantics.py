"""Canvas's rules for what a student's work counts as: dates, missing and late, states, what is hidden, totals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.canvas.model import Assignment, AssignmentGroup, Course, Override, Submission
from simulators.canvas.world import World

QUIZ_GRACE = timedelta(seconds=60)
NOT_DIGITAL = {"none", "not_graded", "on_paper", "wiki_page", "external_tool"}
LETTERS = (
    (94, "A"), (90, "A-"), (87, "B+"), (84, "B"), (80, "B-"), (77, "C+"), (74, "C"), (70, "C-"),
    (67, "D+"), (64, "D"), (61, "D-"), (0, "F"),
)  # fmt: skip


@dataclass(frozen=True)
class Dates:
    """When an assignment opens, is due and closes for one student."""

    due_at: datetime | None
    unlock_at: datetime | None
    lock_at: datetime | None


def overrides_for(world: World, assignment: Assignment, user_id: int) -> list[Override]:
    """The overrides of an assignment that concern a student, by name or by section."""
    sections = {row.section_id for row in world.enrollments_of(user_id) if row.course_id == assignment.course_id}
    return [row for row in assignment.overrides if user_id in row.user_ids or row.section_id in sections]


def is_assigned(world: World, assignment: Assignment, user_id: int) -> bool:
    return not assignment.only_visible_to_overrides or bool(overrides_for(world, assignment, user_id))


def dates_for(world: World, assignment: Assignment, user_id: int) -> Dates:
    """A student's own dates: the latest due date among their overrides, else the assignment's."""
    overrides = overrides_for(world, assignment, user_id)
    if not overrides:
        return Dates(assignment.due_at, assignment.unlock_at, assignment.lock_at)
    kindest = max(overrides, key=lambda row: (row.due_at is None, row.due_at))
    return Dates(kindest.due_at, kindest.unlock_at, kindest.lock_at)


def is_locked(dates: Dates, now: datetime) -> bool:
    return bool((dates.unlock_at and now < dates.unlock_at) or (dates.lock_at and now > dates.lock_at))


def _grace(assignment: Assignment) -> timedelta:
    return QUIZ_GRACE if "online_quiz" in assignment.submission_types else timedelta()


def is_late(world: World, assignment: Assignment, submission: Submission) -> bool:
    """Handed in at or after the due date, or set late by the teacher; never when excused or extended."""
    if submission.excused or submission.late_policy_status in ("extended", "missing", "none"):
        return False
    if submission.late_policy_status == "late":
        return True
    due_at = dates_for(world, assignment, submission.user_id).due_at
    if due_at is None or submission.submitted_at is None:
        return False
    return submission.submitted_at >= due_at + _grace(assignment)


def is_missing(world: World, assignment: Assignment, submission: Submission) -> bool:
    """Past due without the digital submission it expects, or set missing by the teacher; never when excused."""
    if submission.excused or submission.late_policy_status in ("extended", "late", "none"):
        return False
    if submission.late_policy_status == "missing":
        return True
    due_at = dates_for(world, assignment, submission.user_id).due_at
    expects_digital = assignment.new_quiz or not NOT_DIGITAL.issuperset(assignment.submission_types)
    graded_by_somebody = submission.score is not None and submission.grader_id is not None
    return (
        expects_digital
        and submission.submitted_at is None
        and not graded_by_somebody
        and due_at is not None
        and world.clock.now() > due_at + _grace(assignment)
    )


def state_of(submission: Submission) -> str:
    """Canvas's `workflow_state`. A graded submission says so even while its grade is hidden."""
    if submission.pending_review:
        return "pending_review"
    if submission.excused or (submission.score is not None and submission.graded_at is not None):
        return "graded"
    return "submitted" if submission.submitted_at else "unsubmitted"


def grade_is_hidden(assignment: Assignment, submission: Submission) -> bool:
    """Whether the student may not read the score: posted by hand, and not posted yet."""
    return submission.posted_at is None and (assignment.post_manually or submission.graded_at is not None)


@dataclass(frozen=True)
class Totals:
    """Percentages of a course: `current` leaves out what is not graded, `final` counts it as 0."""

    current: float | None
    final: float | None


def totals_of(world: World, course: Course, user_id: int) -> Totals:
    """The totals a student may see: posted grades only, lowest scores dropped by the group's rule."""
    current, final = [], []
    for group in world.groups_of(course.id):
        work = [row for row in world.assignments_of(course.id) if row.group_id == group.id]
        counted = [row for row in work if _counts(world, row, user_id)]
        graded = {row.id: score for row in counted if (score := _visible_score(world, row, user_id)) is not None}
        current.append(_part(group, [(row, graded[row.id]) for row in counted if row.id in graded]))
        final.append(_part(group, [(row, graded.get(row.id, 0.0)) for row in counted]))
    return Totals(_total(course, current), _total(course, final))


def letter(percentage: float | None) -> str | None:
    if percentage is None:
        return None
    return next(name for floor, name in LETTERS if percentage >= floor)


def _counts(world: World, assignment: Assignment, user_id: int) -> bool:
    submission = world.submission_of(assignment.id, user_id)
    ignored = assignment.omit_from_final_grade or assignment.grading_type == "not_graded" or submission.excused
    return not ignored and bool(assignment.points_possible) and is_assigned(world, assignment, user_id)


def _visible_score(world: World, assignment: Assignment, user_id: int) -> float | None:
    submission = world.submission_of(assignment.id, user_id)
    return None if grade_is_hidden(assignment, submission) else submission.score


@dataclass(frozen=True)
class _Part:
    weight: float
    earned: float
    possible: float


def _part(group: AssignmentGroup, scored: list[tuple[Assignment, float]]) -> _Part:
    droppable = sorted(
        (pair for pair in scored if pair[0].id not in group.never_drop),
        key=lambda pair: pair[1] / (pair[0].points_possible or 1),
    )
    dropped = {row.id for row, _ in droppable[: min(group.drop_lowest, max(len(scored) - 1, 0))]}
    kept = [(row.points_possible or 0.0, score) for row, score in scored if row.id not in dropped]
    return _Part(group.weight, sum(score for _, score in kept), sum(points for points, _ in kept))


def _total(course: Course, parts: list[_Part]) -> float | None:
    parts = [part for part in parts if part.possible]
    if not course.weighted:
        parts = [_Part(1, sum(part.earned for part in parts), sum(part.possible for part in parts))] if parts else []
    weight = sum(part.weight for part in parts)
    if not weight:
        return None
    return round(100 * sum(part.weight * part.earned / part.possible for part in parts) / weight, 2)
