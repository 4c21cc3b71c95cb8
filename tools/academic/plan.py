"""A study plan: short blocks, spread before each deadline, around what is busy and sleep, within the hours that are free.

Evenly spaced, earlier deadlines of one's own help against leaving everything to the end (Ariely and Wertenbroch 2002). Nothing
is planned into sleep, into busy times, into the last hour before a deadline, or beyond a day's free hours; what does not
fit is said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tools.academic.figures import figures
from tools.academic.freetime import Span, day_blocks, minutes_of
from tools.academic.items import Item
from tools.academic.priority import Ranked
from tools.academic.spans import hours_text
from tools.academic.study import Week
from tools.academic.words import words

AFTER_URGENT = 2
"""Blocks at the start of a day that stay free for what is urgent when a small place is kept for what is not."""


@dataclass(frozen=True, slots=True)
class Block:
    """A sitting. Times are UTC."""

    start: datetime
    end: datetime
    item: Item
    part: int
    parts: int
    kept: bool

    @property
    def said(self) -> str:
        said = words()["plan"]
        name = "kept" if self.kept else "work" if self.parts > 1 else "whole"
        return str(said[name].format(title=self.item.title, part=self.part, parts=self.parts))


@dataclass(frozen=True, slots=True)
class Milestone:
    """How far long work is to be by a day, so that its end is not its beginning."""

    item: Item
    by: date
    """A local day."""
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The plan, with what did not fit and what was assumed."""

    days: int
    blocks: tuple[Block, ...]
    milestones: tuple[Milestone, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Day:
    """What is left of a local day."""

    slots: list[Span]
    minutes: float
    used: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Table:
    """A plan in the making."""

    now: datetime
    days: list[_Day]
    placed: list[tuple[Span, Item, bool]] = field(default_factory=list)

    def place(self, number: int, item: Item, latest: datetime, most: int, *, kept: bool = False) -> bool:
        """Put one block of work into a day, as early as it goes; False when there is no room."""
        day = self.days[number]
        if day.used.get(item.id, 0) >= most or day.minutes < figures()["plan"]["least_minutes"]:
            return False
        first = min(AFTER_URGENT, len(day.slots) - 1) if kept else 0
        for place, slot in enumerate(day.slots[first:], start=first):
            if slot[1] <= latest and minutes_of(slot) <= day.minutes:
                del day.slots[place]
                day.minutes -= minutes_of(slot)
                day.used[item.id] = day.used.get(item.id, 0) + 1
                self.placed.append((slot, item, kept))
                return True
        return False


def make_plan(
    ranked: Sequence[Ranked], week: Week, busy: Sequence[Span], now: datetime, zone: ZoneInfo, days: int | None = None
) -> StudyPlan:
    """Plan the next days. `ranked`: open work, what comes first first; `busy`: times that are taken besides the week's."""
    rules = figures()["plan"]
    length = days or rules["days"]
    today = now.astimezone(zone).date()
    table = _Table(now, [])
    for number in range(length):
        day = today + timedelta(days=number)
        free = 60.0 * week.times.free_hours[day.weekday()]
        table.days.append(_Day(day_blocks(day, week.times, busy, now, zone), free))
    short: list[tuple[Item, float]] = []
    for one in ranked:
        if one.kept_slot:
            _keep_a_place(table, one.item, zone)
    for one in ranked:
        missing = _spread(table, one.item, zone)
        if missing > 0:
            short.append((one.item, missing))
    return StudyPlan(
        length, _blocks(table), _milestones(ranked, now, zone), _notes(ranked, short, week, length, bool(table.placed))
    )


def _keep_a_place(table: _Table, item: Item, zone: ZoneInfo) -> None:
    needed = _blocks_needed(item)
    for number in range(min(len(table.days), needed)):
        table.place(number, item, _latest(table, item, zone), 1, kept=True)


def _spread(table: _Table, item: Item, zone: ZoneInfo) -> float:
    """Place the blocks of one piece of work, evenly over the days that it has; returns the hours that did not fit."""
    rules = figures()["plan"]
    latest, whole = _latest(table, item, zone), _blocks_needed(item)
    last = _days_until(table, latest, zone)
    beyond = item.due is not None and item.due > table.now and _horizon(table, zone) < item.due
    wanted = whole
    if beyond and item.due:
        wanted = math.ceil(whole * len(table.days) / max((item.due - table.now) / timedelta(days=1), 1.0))
    soon = item.missing or (item.due is not None and item.due - table.now <= timedelta(hours=rules["soon_hours"]))
    most = rules["blocks_a_day_soon"] if soon else rules["blocks_a_day_each"]
    there = sum(placed is item for _, placed, _ in table.placed)
    left = 0
    for number in range(there, wanted):
        target = 0 if item.missing else min(number * (last + 1) // wanted, last)
        order = [*range(target, last + 1), *range(target - 1, -1, -1)]
        left += not any(table.place(day, item, latest, most) for day in order)
    return left * rules["block_minutes"] / 60 if item.due and not beyond and not item.missing else 0.0


def _blocks_needed(item: Item) -> int:
    return max(1, math.ceil(item.hours * 60 / float(figures()["plan"]["block_minutes"])))


def _horizon(table: _Table, zone: ZoneInfo) -> datetime:
    end = table.now.astimezone(zone).date() + timedelta(days=len(table.days) + 1)
    return datetime.combine(end, datetime.min.time(), zone)


def _latest(table: _Table, item: Item, zone: ZoneInfo) -> datetime:
    """When the last block has to be over. What is missing goes on while Canvas takes it."""
    horizon = _horizon(table, zone)
    if item.due is None or item.due <= table.now:
        return horizon
    return min(horizon, item.due - timedelta(minutes=figures()["plan"]["before_due_minutes"]))


def _days_until(table: _Table, latest: datetime, zone: ZoneInfo) -> int:
    away = (latest.astimezone(zone).date() - table.now.astimezone(zone).date()).days
    return min(max(away, 0), len(table.days) - 1)


def _blocks(table: _Table) -> tuple[Block, ...]:
    placed = Counter(item.id for _, item, _ in table.placed)
    so_far: Counter[str] = Counter()
    found = []
    for (start, end), item, kept in sorted(table.placed, key=lambda row: row[0]):
        so_far[item.id] += 1
        parts = max(_blocks_needed(item), placed[item.id])
        found.append(Block(start, end, item, so_far[item.id], parts, kept))
    return tuple(found)


def _milestones(ranked: Sequence[Ranked], now: datetime, zone: ZoneInfo) -> tuple[Milestone, ...]:
    """Long work in steps of about two hours, evenly spaced up to its due date."""
    over = figures()["priority"]["milestones_over"]
    found = []
    for one in ranked:
        item = one.item
        if item.due is None or item.due <= now or item.hours <= over:
            continue
        parts = math.ceil(item.hours / 2)
        for part in range(1, parts):
            by = (now + (item.due - now) * part / parts).astimezone(zone).date()
            found.append(Milestone(item, by, part, parts))
    return tuple(sorted(found, key=lambda step: (step.by, step.item.title, step.part)))


def _notes(
    ranked: Sequence[Ranked], short: Sequence[tuple[Item, float]], week: Week, days: int, any_placed: bool
) -> tuple[str, ...]:
    said = words()["plan"]
    if not ranked:
        return (said["none"],)
    notes = [said["short"].format(title=item.title, hours=hours_text(hours)) for item, hours in short]
    if not notes and any_placed:
        notes.append(said["all"].format(days=days))
    if not week.said:
        times = week.times
        notes.append(
            said["assumed"].format(
                sleep_from=f"{times.sleep_from:%H:%M}",
                sleep_to=f"{times.sleep_to:%H:%M}",
                hours=f"{times.usual_day:g}",
            )
        )
    return tuple(notes)
