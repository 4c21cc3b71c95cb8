"""What comes first: importance times urgency, of what can still be handed in, with each part shown.

People pick what expires over what counts, the more so the busier they feel (Zhu, Yang and Hsee 2018): the piece that counts
most and is not urgent therefore keeps a small place in each day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tools.academic.canvas.meaning import WorkState
from tools.academic.figures import figures
from tools.academic.items import Item
from tools.academic.spans import hours_text, percent_text
from tools.academic.words import words


@dataclass(frozen=True, slots=True)
class Parts:
    """What a score is made of."""

    importance: float
    """Share of the grade, up to twice that near a grade boundary."""
    urgency: float
    """0 to 1; a half at 24 hours of slack."""
    slack_hours: float | None
    """Hours to the due date less those that the work takes at the student's pace; None for undated work."""
    late_factor: float
    """1, less for each day that missing work is late."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A piece of work with its place."""

    item: Item
    score: float
    parts: Parts
    kept_slot: bool
    """Keeps a small place in each day, though it is not urgent."""
    why: str


def rank(items: Iterable[Item], now: datetime, free_a_day: float) -> list[Ranked]:
    """Open work, what comes first first. `free_a_day`: hours that the student has for work on a usual day."""
    found = [(item, _parts(item, now, free_a_day)) for item in items if item.open]
    kept = _kept(found)
    ranked = [
        Ranked(item, _score(parts), parts, item is kept, _why(item, parts, item is kept)) for item, parts in found
    ]
    return sorted(ranked, key=lambda one: (-one.score, one.item.due is None, one.item.due or now, one.item.title))


def _parts(item: Item, now: datetime, free_a_day: float) -> Parts:
    rules = figures()["priority"]
    importance = item.weight * (1 + item.near_boundary)
    if item.due is None:
        return Parts(importance, 0.0, None, 1.0)
    to_due = (item.due - now).total_seconds() / 3600
    slack = to_due - item.hours * 24 / max(free_a_day, 0.25)
    exponent = min(max((slack - rules["urgent_at"]) / rules["urgent_over"], -60.0), 60.0)
    late = max(rules["late_floor"], 1 - rules["late_per_day"] * -to_due / 24) if item.missing and to_due < 0 else 1.0
    return Parts(importance, 1 / (1 + math.exp(exponent)), slack, float(late))


def _score(parts: Parts) -> float:
    floor = float(figures()["priority"]["floor"])
    return parts.importance * (floor + (1 - floor) * parts.urgency) * parts.late_factor


def _kept(found: list[tuple[Item, Parts]]) -> Item | None:
    least = figures()["priority"]["kept_slot_slack"]
    calm = [
        (parts.importance, item)
        for item, parts in found
        if parts.importance > 0 and parts.slack_hours is not None and parts.slack_hours > least
    ]
    return max(calm, key=lambda pair: pair[0])[1] if calm else None


def _why(item: Item, parts: Parts, kept: bool) -> str:
    said = words()["why"]
    if item.source == "own":
        found = [said["own"].format(importance=item.importance)]
    elif item.weight:
        found = [said["share"].format(percent=percent_text(item.weight), course=item.course or "the course")]
    else:
        found = [said["no_share"]]
    if item.near_boundary and item.weight:
        found.append(said["boundary"])
    found.append(said["hours"].format(hours=hours_text(item.hours)))
    if item.missing:
        found.append(said["late"])
    elif parts.slack_hours is None:
        found.append(said["undated"])
    elif parts.slack_hours > 0:
        found.append(said["slack"].format(slack=hours_text(parts.slack_hours)))
    else:
        found.append(said["no_slack"])
    if item.state is WorkState.NOT_OPEN:
        found.append(said["waits"])
    text = "; ".join(found) + "."
    return f"{text} {said['kept']}." if kept else text
