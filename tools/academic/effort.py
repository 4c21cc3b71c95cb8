"""How many hours a piece of work may take: an estimate from its kind and points until the student's own history exists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tools.academic.canvas.models import Work
from tools.academic.figures import figures
from tools.academic.tasks import Task


@dataclass(frozen=True, slots=True)
class Pace:
    """How the student's hours compare with what was expected."""

    factor: float
    """What an estimate is multiplied with."""
    n: int
    """Finished tasks with an estimate and the time they took."""
    own: bool
    """Whether `factor` comes from them; before that it is one for everybody."""


def pace_of(done: Iterable[Task]) -> Pace:
    """The student's own factor: the middle of time taken over time estimated; a common one while there are too few."""
    rules = figures()["effort"]
    ratios = [
        task.spent_minutes / task.estimate_minutes
        for task in done
        if task.completed_at and task.spent_minutes and task.estimate_minutes
    ]
    if len(ratios) < rules["least_history"]:
        return Pace(rules["first_factor"], len(ratios), own=False)
    return Pace(min(max(median(ratios), rules["factor_least"]), rules["factor_most"]), len(ratios), own=True)


def hours_of_work(work: Work, course: Sequence[Work], pace: Pace) -> float:
    """Hours for a piece of Canvas work among all the work of its course."""
    rules = figures()["effort"]
    prior = max((rules["priors"].get(kind, rules["other"]) for kind in work.submission_types), default=rules["other"])
    points = [one.points_possible for one in course if one.points_possible]
    scale = 1.0
    if work.points_possible and points:
        scale = math.sqrt(work.points_possible / median(points))
    return float(prior * min(max(scale, rules["scale"]["least"]), rules["scale"]["most"]) * pace.factor)


def hours_of_task(task: Task, pace: Pace) -> float:
    """Hours for a task of the student's own."""
    estimate = task.estimate_minutes / 60 if task.estimate_minutes else figures()["effort"]["own_task"]
    return float(estimate * pace.factor)
