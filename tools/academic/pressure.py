"""How full a student's week is, from 0 to 100, in four parts that are each shown. About work; never a diagnosis.

What the parts are and why: docs/decisions/academic_meaning.md. None of the studies behind them gives weights; ours are in
`academic.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tools.academic.canvas.meaning import WorkState
from tools.academic.figures import figures
from tools.academic.grades import course_mean, posted_grades
from tools.academic.items import Academic, Item
from tools.academic.spans import hours_text, percent_text
from tools.academic.study import Week
from tools.academic.words import words

Band = Literal["low", "some", "high", "not_enough"]
PARTS = ("load", "clashes", "owed", "grades")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the score."""

    name: str
    value: float | None
    """From 0 to 1; None: not enough data, counted as nothing."""
    weight: float
    """How much of 100 it makes up at most, as a share."""
    said: str

    @property
    def points(self) -> int:
        """What it adds to the score; whole, so that the parts a student sees add up."""
        return round(100 * self.weight * (self.value or 0.0))


@dataclass(frozen=True, slots=True)
class Pressure:
    """The score with its parts; `score` is None where there is not enough data."""

    score: int | None
    band: Band
    said: str
    about: str
    parts: tuple[Part, ...]
    dated: int
    """Dated pieces of work that it rests on."""


def pressure(known: Academic, week: Week) -> Pressure:
    """Work out how full the next seven days are."""
    rules, said, items = figures()["pressure"], words()["pressure"], known.items
    dated = _dated(items, known.now)
    if dated < rules["least_dated"]:
        text = said["not_enough"].format(least=rules["least_dated"], n=dated)
        return Pressure(None, "not_enough", text, said["about"], (), dated)
    soon = [
        item
        for item in items
        if item.open and item.due and known.now <= item.due <= known.now + timedelta(days=rules["days"])
    ]
    parts = (_load(soon, known, week), _clashes(soon), _owed(items), _grades(known))
    score = sum(part.points for part in parts)
    band: Band = "high" if score >= rules["high"] else "some" if score >= rules["some"] else "low"
    return Pressure(score, band, said[band].format(score=score), said["about"], parts, dated)


def _dated(items: Sequence[Item], now: datetime) -> int:
    """Dated work around now, done or not: few of them say little."""
    rules = figures()["pressure"]
    first, last = now - timedelta(days=rules["past_days"]), now + timedelta(days=rules["future_days"])
    return sum(item.due is not None and first <= item.due <= last for item in items)


def _load(soon: Sequence[Item], known: Academic, week: Week) -> Part:
    """The fullest three days: hours due against hours free."""
    rules, said = figures()["pressure"], words()["pressure"]
    if not soon:
        return Part("load", 0.0, rules["load"], said["load_none"])
    length = timedelta(days=rules["window_days"])
    windows = [known.now, *(item.due for item in soon if item.due)]
    fullest, at = 0.0, (0.0, 0.0)
    for start in windows:
        due = sum(item.hours for item in soon if item.due and start <= item.due <= start + length)
        free = max(_free(week, known, start, rules["window_days"]), 0.5)
        if due / free > fullest:
            fullest, at = due / free, (due, free)
    text = said["load"].format(
        hours=hours_text(at[0]), free=hours_text(at[1]), assumed="" if week.said else said["assumed"]
    )
    return Part("load", min(1.0, fullest), rules["load"], text)


def _free(week: Week, known: Academic, start: datetime, days: int) -> float:
    """Free hours of the local days from a moment on."""
    first = start.astimezone(known.zone).date()
    return sum(week.times.free_hours[(first + timedelta(days=day)).weekday()] for day in range(days))


def _clashes(soon: Sequence[Item]) -> Part:
    """Overlapping deadlines."""
    rules, said = figures()["pressure"], words()["pressure"]
    near = timedelta(hours=rules["clash_hours"])
    dues = [item.due for item in soon if item.due]
    count = sum(
        any(place != other and abs(due - another) <= near for other, another in enumerate(dues))
        for place, due in enumerate(dues)
    )
    text = said["clashes"].format(n=count) if count else said["clashes_none"]
    return Part("clashes", min(1.0, count / rules["clashes_full"]), rules["clashes"], text)


def _owed(items: Sequence[Item]) -> Part:
    """The share of grades that missing work makes up which can still be handed in."""
    rules, said = figures()["pressure"], words()["pressure"]
    share = sum(item.weight for item in items if item.state is WorkState.MISSING)
    text = said["owed"].format(percent=percent_text(share)) if share else said["owed_none"]
    return Part("owed", min(1.0, share / rules["owed_full"]), rules["owed"], text)


def _grades(known: Academic) -> Part:
    """How far the last released grades lie below the student's own mean in each course. Hidden ones count for nothing."""
    rules, said = figures()["pressure"], words()["pressure"]
    posted = posted_grades(known.work, known.now)
    last = posted[-rules["least_grades"] :]
    drops = []
    for grade in last:
        beside = [one for one in posted if one.work.course_id == grade.work.course_id]
        mean = course_mean(known.courses.get(grade.work.course_id), beside)
        if mean is not None:
            drops.append(mean - grade.percent)
    if len(drops) < rules["least_grades"]:
        text = said["grades_not_enough"].format(least=rules["least_grades"], n=len(posted))
        return Part("grades", None, rules["grades"], text)
    drop = max(0.0, sum(drops) / len(drops))
    if drop < 1:
        return Part("grades", drop / rules["drop_full"], rules["grades"], said["grades_steady"].format(n=len(drops)))
    text = said["grades"].format(n=len(drops), points=round(drop))
    return Part("grades", min(1.0, drop / rules["drop_full"]), rules["grades"], text)
