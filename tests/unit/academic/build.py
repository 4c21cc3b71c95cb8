"""Courses, work and tasks to weigh, in Denver on a Thursday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tools.academic.canvas.models import Course, Share, Submission, Work
from tools.academic.effort import Pace, pace_of
from tools.academic.items import Academic
from tools.academic.study import StudyTimes, Week, assumed
from tools.academic.tasks import Task

NOW = datetime(2026, 9, 24, 18, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")
COMMON = Pace(1.5, 0, own=False)
WEEK = Week(assumed(), said=False)


def work(number: int, *, due: float | None = 3, points: float | None = 20, **more: Any) -> Work:
    """Work due so many days from now that nobody handed in."""
    submission = Submission.model_validate(
        {"workflow_state": "unsubmitted", "score": None, "grade": None} | more.pop("submission", {})
    )
    return Work(
        id=str(number),
        course_id=more.pop("course", "1"),
        name=more.pop("name", f"Work {number}"),
        due_at=NOW + timedelta(days=due) if due is not None else None,
        points_possible=points,
        submission_types=more.pop("types", ("online_text_entry",)),
        grading_type="points",
        submission=submission,
        **more,
    )


def graded(number: int, score: float, *, ago: float, points: float = 20, posted: bool = True, **more: Any) -> Work:
    """Work that was graded so many days ago; released or not."""
    at = (NOW - timedelta(days=ago)).isoformat()
    row: dict[str, Any] = {
        "workflow_state": "graded",
        "submitted_at": (NOW - timedelta(days=ago + 2)).isoformat(),
        "graded_at": at,
    }
    row |= {"score": score, "grade": f"{score:g}", "posted_at": at} if posted else {"grade_hidden": True}
    made = work(number, due=-(ago + 1), points=points, **more)
    return made.model_copy(update={"submission": Submission.model_validate(row)})


def course(number: str = "1", *, total: float | None = None, hidden: bool = False, **percents: float) -> Course:
    """A course; `percents` are the shares of its groups."""
    return Course.model_validate(
        {
            "id": number,
            "name": f"Course {number}",
            "hide_final_grades": hidden,
            "apply_assignment_group_weights": bool(percents),
            "enrollments": [{"enrollment_state": "active", "computed_current_score": total}],
            "shares": [
                Share(group_id=name, name=name, percent=percent).model_dump() for name, percent in percents.items()
            ],
        }
    )


def task(number: int, *, due: float | None = 2, done: float | None = None, **more: Any) -> Task:
    """A task of the student's own; `done`: finished so many days ago."""
    return Task(
        id=UUID(int=number),
        title=more.pop("title", f"Task {number}"),
        course=None,
        due_at=NOW + timedelta(days=due) if due is not None else None,
        estimate_minutes=more.pop("estimate", None),
        completed_at=NOW - timedelta(days=done) if done is not None else None,
        created_at=NOW - timedelta(days=20),
        **more,
    )


def known(*things: Work | Course | Task, connected: bool = True, zone: ZoneInfo = DENVER) -> Academic:
    """What is known, from its pieces."""
    tasks = [thing for thing in things if isinstance(thing, Task)]
    return Academic(
        NOW,
        zone,
        {thing.id: thing for thing in things if isinstance(thing, Course)},
        [thing for thing in things if isinstance(thing, Work)],
        tasks,
        pace_of(tasks),
        "current" if connected else "not_connected",
        NOW if connected else None,
    )


def week(**changes: Any) -> Week:
    """A week that the student described."""
    return Week(StudyTimes(**assumed().model_dump() | changes), said=True)
