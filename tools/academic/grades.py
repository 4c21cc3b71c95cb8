"""What a student's grades say and what they do not: shares, percentages, totals. A hidden grade is never a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.academic.canvas.meaning import WorkState, counts, state_of, visible_score
from tools.academic.canvas.models import Course, Work
from tools.academic.figures import figures


@dataclass(frozen=True, slots=True)
class Posted:
    """A released grade in percent; `at` is when it was released."""

    work: Work
    percent: float
    at: datetime


def share_of(work: Work, course: Course | None, all_of_course: Sequence[Work]) -> float:
    """The share of the course's grade that a piece of work makes up, from 0 to 1.

    Groups that drop the lowest make it an estimate. What does not count, or has no points, has none.
    """
    if not counts(work) or not work.points_possible:
        return 0.0
    percents = {share.group_id: share.percent for share in course.shares} if course else {}
    percent = percents.get(work.assignment_group_id or "")
    beside = [one for one in all_of_course if counts(one)]
    if percent is not None:
        beside = [one for one in beside if one.assignment_group_id == work.assignment_group_id]
    points = sum(one.points_possible or 0.0 for one in beside)
    return (1.0 if percent is None else percent / 100) * work.points_possible / points if points else 0.0


def posted_grades(work: Sequence[Work], now: datetime) -> list[Posted]:
    """The grades that the student may know, in percent, oldest first."""
    found = []
    for one in work:
        score, done = visible_score(one), one.submission
        if score is None or done is None or not counts(one) or not one.points_possible:
            continue
        if state_of(one, now) not in (WorkState.GRADED, WorkState.RESUBMITTED):
            continue
        at = done.posted_at or done.graded_at
        if at is not None:
            found.append(Posted(one, 100 * score / one.points_possible, at))
    return sorted(found, key=lambda grade: (grade.at, grade.work.id))


def current_percent(course: Course) -> float | None:
    """The course's total over what is graded; None where the course hides it or there is none.

    Canvas's other total counts ungraded work as nought; it is not kept and never said.
    """
    return course.current.computed_current_score if course.current and not course.hide_final_grades else None


def course_mean(course: Course | None, grades: Sequence[Posted]) -> float | None:
    """What the last grades are compared with: the course's total, else the mean of its released grades."""
    total = current_percent(course) if course else None
    if total is not None:
        return total
    return sum(grade.percent for grade in grades) / len(grades) if grades else None


def closeness(percent: float | None) -> float:
    """How close a total is to a grade boundary: 1 on it, 0 from two percentage points away, or where it is unknown."""
    if percent is None:
        return 0.0
    rules = figures()["priority"]
    distance = min(abs(percent - float(edge)) for edge in rules["boundaries"])
    return max(0.0, 1 - distance / float(rules["near"]))
