"""What a piece of work in Canvas means for the student, and the one sentence that may be said of it.

A grade that is hidden is 'not released', never nought; what is missing follows from the clock, so it is worked out at
the moment of asking; a due date is the student's own, in the student's own zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tools.academic.canvas.models import Submission, Work
from tools.academic.canvas.statuses import load_words
from tools.academic.canvas.times import local_text

QUIZ_GRACE = timedelta(seconds=60)
NOT_DIGITAL = frozenset({"none", "not_graded", "on_paper", "wiki_page", "external_tool"})
TEACHER_SAYS_OTHERWISE = frozenset({"late", "none", "extended"})
NOTHING = Submission()


class WorkState(StrEnum):
    """How a piece of work stands."""

    EXCUSED = "excused"
    GRADED = "graded"
    RESUBMITTED = "resubmitted"
    PARTLY_GRADED = "partly_graded"
    NOT_RELEASED = "not_released"
    HANDED_IN = "handed_in"
    HANDED_IN_LATE = "handed_in_late"
    MISSING = "missing"
    MISSING_CLOSED = "missing_closed"
    CLOSED = "closed"
    NOT_OPEN = "not_open"
    DUE = "due"
    PAST = "past"
    """Over, without anything to hand in and without a grade: an exam on paper."""
    UNDATED = "undated"


OWED = frozenset({WorkState.MISSING, WorkState.DUE, WorkState.UNDATED, WorkState.NOT_OPEN})
"""What a student can still do something about."""


def state_of(work: Work, now: datetime) -> WorkState:
    """How a piece of work stands at a moment."""
    done = work.submission or NOTHING
    if done.excused:
        return WorkState.EXCUSED
    if is_missing(work, now):
        return WorkState.MISSING_CLOSED if _closed(work, now) else WorkState.MISSING
    if done.workflow_state == "pending_review":
        return WorkState.PARTLY_GRADED
    graded = done.workflow_state == "graded" or done.graded_at is not None
    if graded and done.grade_hidden:
        return WorkState.NOT_RELEASED
    if graded and (done.score is not None or done.grade):
        again = done.grade_matches_current_submission is False
        return WorkState.RESUBMITTED if again else WorkState.GRADED
    if done.submitted_at:
        return WorkState.HANDED_IN_LATE if done.late else WorkState.HANDED_IN
    return _not_begun(work, now)


def is_missing(work: Work, now: datetime) -> bool:
    """Whether work is missing now: the teacher says so, or the due date passed without what it expects."""
    done = work.submission or NOTHING
    if done.excused or done.custom_grade_status_id or done.late_policy_status in TEACHER_SAYS_OTHERWISE:
        return False
    if done.late_policy_status == "missing":
        return True
    graded_by_somebody = done.grader_id is not None and (done.score is not None or done.grade_hidden)
    grace = QUIZ_GRACE if "online_quiz" in work.submission_types else timedelta()
    return (
        work.submission is not None
        and work.due is not None
        and now > work.due + grace
        and done.submitted_at is None
        and not graded_by_somebody
        and (work.is_quiz_lti_assignment or not NOT_DIGITAL.issuperset(work.submission_types))
    )


def counts(work: Work) -> bool:
    """Whether work weighs in the grade at all."""
    hidden = work.omit_from_final_grade or work.hide_in_gradebook or work.grading_type == "not_graded"
    excused = work.submission is not None and work.submission.excused
    return bool(work.points_possible) and not hidden and not excused


def visible_score(work: Work) -> float | None:
    """The score that the student may know; None for none and for a hidden one alike."""
    done = work.submission or NOTHING
    return None if done.grade_hidden or done.excused or done.workflow_state == "pending_review" else done.score


def said_of(work: Work, now: datetime, zone: ZoneInfo) -> str:
    """One sentence on how a piece of work stands."""
    state, done, words = state_of(work, now), work.submission or NOTHING, load_words().work
    name = state.value
    if state is WorkState.MISSING and work.due is None:
        name = "missing_undated"
    elif state in (WorkState.CLOSED, WorkState.MISSING_CLOSED) and work.due is None:
        name = "closed"
    elif state is WorkState.NOT_OPEN and work.due is None:
        name = "undated"
    elif state is WorkState.GRADED and (
        done.score is None or not work.points_possible or work.grading_type != "points"
    ):
        name = "graded_other"
    score = done.grade if name == "graded_other" and done.grade else _number(done.score)
    return words[name].format(
        score=score,
        points=_number(work.points_possible),
        due=local_text(work.due, zone, now) if work.due else "",
        handed_in=local_text(done.submitted_at, zone, now) if done.submitted_at else "",
    )


def _not_begun(work: Work, now: datetime) -> WorkState:
    if work.unlock_at and now < work.unlock_at:
        return WorkState.NOT_OPEN
    if _closed(work, now):
        return WorkState.CLOSED
    if work.due is None:
        return WorkState.UNDATED
    return WorkState.DUE if now <= work.due + QUIZ_GRACE else WorkState.PAST


def _closed(work: Work, now: datetime) -> bool:
    """Whether Canvas takes nothing any more: `locked_for_user` was true when read, the dates go on by themselves."""
    opens_later = work.unlock_at is not None and now < work.unlock_at
    return bool(work.lock_at and now > work.lock_at) or (work.locked_for_user and not opens_later)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
