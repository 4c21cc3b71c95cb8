"""What a student's mood log shows, as figures with their uncertainty and a sentence each. Pure.

Days are the student's own. A figure that too few entries carry is not said (`not_enough`), and a link that the data does
not bear out clearly is not claimed. Nothing here is a diagnosis. Thresholds are in `analytics.toml`, words in
`words.yaml`.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from tools.wellness.saying import figure, say, signed, word
from tools.wellness.statistics import Array, Estimate, group_difference, rmssd, spearman, theil_sen

Score = tuple[datetime, int]
Standing = Literal["not_enough", "unclear", "clear"]


@dataclass(frozen=True, slots=True)
class Trend:
    """Points a week, by the median of all slopes between days."""

    standing: Standing
    direction: Literal["up", "down", "steady"] | None
    per_week: float | None
    low: float | None
    high: float | None
    n: int
    """Days with an entry."""
    text: str


@dataclass(frozen=True, slots=True)
class Volatility:
    """Root mean square of the change from one day to the next."""

    value: float | None
    earlier: float | None
    """The same in the window before; None where that holds too little."""
    n: int
    """Pairs of neighbouring days."""
    text: str


@dataclass(frozen=True, slots=True)
class Swings:
    """Days on which the entries swung up and down."""

    days: tuple[date, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Means by group, and whether the groups differ more than chance explains."""

    standing: Standing
    means: Mapping[str, float]
    counts: Mapping[str, int]
    chance: float | None
    """Share of random orders that differ at least as much."""
    text: str


@dataclass(frozen=True, slots=True)
class Association:
    """Rank correlation of a day's mood with something else known of the day. Nothing is said of small n."""

    standing: Standing
    rho: float | None
    low: float | None
    high: float | None
    n: int
    text: str


@dataclass(frozen=True, slots=True)
class Streak:
    """How often the student looked in; it only ever counts up, and pauses do not end it."""

    days_logged: int
    days: int
    run: int
    text: str


@dataclass(frozen=True, slots=True)
class MoodAnalytics:
    """Everything that is said about a window of moods."""

    days: int
    n: int
    """Entries in the window."""
    mean: float | None
    trend: Trend
    volatility: Volatility
    swings: Swings
    weekday: Pattern
    time_of_day: Pattern
    sleep: Association
    workload: Association
    streak: Streak
    as_of: datetime


def analyse(
    scores: Sequence[Score],
    *,
    days: int,
    now: datetime,
    zone: ZoneInfo,
    sleep_hours: Mapping[date, float] | None = None,
    due: Mapping[date, int] | None = None,
) -> MoodAnalytics:
    """Describe the last `days` days.

    Args:
        scores: moments and scores, oldest first, over twice the window: the earlier half is only compared with.
        days: length of the window.
        now: the moment, timezone-aware.
        zone: the student's.
        sleep_hours: hours slept in the night that ended on a day.
        due: how much was due on a day or the day after it.
    """
    today = now.astimezone(zone).date()
    begins = today - timedelta(days=days - 1)
    local = [(at.astimezone(zone), score) for at, score in scores]
    window = [entry for entry in local if entry[0].date() >= begins]
    before = [entry for entry in local if begins - timedelta(days=days) <= entry[0].date() < begins]
    by_day = _means(window)
    return MoodAnalytics(
        days=days,
        n=len(window),
        mean=float(np.mean([score for _, score in window])) if window else None,
        trend=_trend(by_day),
        volatility=_volatility(by_day, _means(before), days),
        swings=_swings(window),
        weekday=_weekday(by_day),
        time_of_day=_time_of_day(window, by_day),
        sleep=_association("sleep", by_day, sleep_hours or {}),
        workload=_association("workload", by_day, due or {}),
        streak=_streak(by_day, today, days),
        as_of=now,
    )


@cache
def figures() -> dict[str, Any]:
    """The packaged thresholds."""
    return tomllib.loads(Path(__file__).with_name("analytics.toml").read_text(encoding="utf-8"))


def _means(entries: Sequence[Score]) -> dict[date, float]:
    days: dict[date, list[int]] = defaultdict(list)
    for at, score in entries:
        days[at.date()].append(score)
    return {day: float(np.mean(found)) for day, found in sorted(days.items())}


def _axes(by_day: Mapping[date, float]) -> tuple[Array, Array]:
    first = min(by_day)
    return np.array([(day - first).days for day in by_day], dtype=float), np.array(list(by_day.values()))


def _trend(by_day: Mapping[date, float]) -> Trend:
    rules = figures()["trend"]
    if len(by_day) < rules["least_days"]:
        text = say("trend.not_enough", least=rules["least_days"], n=len(by_day))
        return Trend("not_enough", None, None, None, None, len(by_day), text)
    found = theil_sen(*_axes(by_day))
    week = Estimate(found.value * 7, found.low * 7, found.high * 7, found.n)
    within = max(abs(week.low), abs(week.high)) < rules["steady_per_week"]
    direction: Literal["up", "down", "steady"] | None = None
    if week.clear and abs(week.value) >= rules["steady_per_week"]:
        direction = "up" if week.value > 0 else "down"
    elif within:
        direction = "steady"
    values = {"n": week.n, "change": figure(abs(week.value)), "low": signed(week.low), "high": signed(week.high)}
    text = say(f"trend.{direction or 'unclear'}", **values)
    return Trend("clear" if direction else "unclear", direction, week.value, week.low, week.high, week.n, text)


def _volatility(by_day: Mapping[date, float], before: Mapping[date, float], days: int) -> Volatility:
    least = figures()["volatility"]["least_pairs"]
    value, n = _moves(by_day)
    if value is None or n < least:
        return Volatility(None, None, n, say("volatility.not_enough", least=least, n=n))
    earlier, pairs = _moves(before)
    if earlier is None or pairs < least:
        return Volatility(value, None, n, say("volatility.said", value=figure(value)))
    text = say("volatility.said", value=figure(value))
    if abs(value - earlier) >= 0.5:
        key = "volatility.more" if value > earlier else "volatility.less"
        text = f"{text} {say(key, days=days, earlier=figure(earlier))}"
    return Volatility(value, earlier, n, text)


def _moves(by_day: Mapping[date, float]) -> tuple[float | None, int]:
    if not by_day:
        return None, 0
    days, means = _axes(by_day)
    return rmssd(means, days)


def _swings(window: Sequence[Score]) -> Swings:
    rules = figures()["swings"]
    days: dict[date, list[int]] = defaultdict(list)
    for at, score in window:
        days[at.date()].append(score)
    found = tuple(
        day
        for day, scores in sorted(days.items())
        if len(scores) >= rules["least_entries"] and turns(scores, rules["points"]) >= rules["turns"]
    )
    key = ("none", "one")[len(found)] if len(found) < 2 else "said"
    return Swings(found, say(f"swings.{key}", n=len(found), points=rules["points"]))


def turns(scores: Sequence[int], points: int) -> int:
    """How many times in a row of scores the mood moved by at least `points` against where it had moved before.

    Small steps the same way add up; the first big move counts as one.
    """
    count, heading = 0, 0
    low = high = scores[0]
    for score in scores[1:]:
        low, high = min(low, score), max(high, score)
        if heading <= 0 and score - low >= points:
            count, heading, high = count + 1, 1, score
        elif heading >= 0 and high - score >= points:
            count, heading, low = count + 1, -1, score
    return count


def _weekday(by_day: Mapping[date, float]) -> Pattern:
    names = word("weekdays")
    return _pattern("weekday", [(names[day.weekday()], mean) for day, mean in by_day.items()], names, len(by_day))


def _time_of_day(window: Sequence[Score], by_day: Mapping[date, float]) -> Pattern:
    """Each entry against the mean of its own day, so that low days with many entries do not pass for a time of day."""
    begins = figures()["patterns"]["parts_of_day"]
    names = word("parts_of_day")
    entries = []
    for at, score in window:
        part = max((name for name, hour in begins.items() if hour <= at.hour), key=lambda name: begins[name])
        entries.append((names[part], score - by_day[at.date()]))
    overall = float(np.mean([score for _, score in window])) if window else 0.0
    return _pattern("time_of_day", [(name, gap + overall) for name, gap in entries], list(names.values()), len(by_day))


def _pattern(kind: str, entries: Sequence[tuple[str, float]], names: Sequence[str], days: int) -> Pattern:
    rules = figures()["patterns"]
    groups: dict[str, list[float]] = {name: [] for name in names}
    for name, value in entries:
        groups[name].append(value)
    means = {name: float(np.mean(found)) for name, found in groups.items() if found}
    counts = {name: len(found) for name, found in groups.items() if found}
    full = [name for name in means if counts[name] >= rules["least_in_group"]]
    if days < rules["least_days"] or len(full) < 2:
        text = say(f"{kind}.not_enough", least=rules["least_days"], group=rules["least_in_group"])
        return Pattern("not_enough", means, counts, None, text)
    kept = [(full.index(name), value) for name, value in entries if name in full]
    chance = group_difference(np.array([v for _, v in kept], dtype=float), np.array([g for g, _ in kept]))
    if chance > rules["most_chance"]:
        return Pattern("unclear", means, counts, chance, say(f"{kind}.none"))
    high, low = max(full, key=lambda name: means[name]), min(full, key=lambda name: means[name])
    text = say(f"{kind}.said", high=high, low=low, high_mean=figure(means[high]), low_mean=figure(means[low]))
    return Pattern("clear", means, counts, chance, text)


def _association(kind: str, by_day: Mapping[date, float], other: Mapping[date, float | int]) -> Association:
    shared = [(float(other[day]), mean) for day, mean in by_day.items() if day in other]
    n = len(shared)
    if n < figures()["association"]["least_days"]:
        return Association("not_enough", None, None, None, n, "")
    x, y = np.array([a for a, _ in shared]), np.array([b for _, b in shared])
    found = spearman(x, y)
    split = float(np.median(x))
    upper, lower = y[x >= split], y[x < split]
    if not found.clear or not len(lower):
        return Association("unclear", found.value, found.low, found.high, n, say(f"{kind}.unclear", n=n))
    text = say(
        f"{kind}.said",
        direction=word("higher") if found.value > 0 else word("lower"),
        upper=figure(float(upper.mean())),
        lower=figure(float(lower.mean())),
        split=figure(split),
        n=n,
    )
    return Association("clear", found.value, found.low, found.high, n, text)


def _streak(by_day: Mapping[date, float], today: date, days: int) -> Streak:
    rules = figures()["streak"]
    run, expected, begun = 0, today, today
    for day in sorted(by_day, reverse=True):
        if (expected - day).days > rules["grace_days"]:
            break
        begun, expected = day, day - timedelta(days=1)
        run = (today - begun).days + 1
    if not by_day:
        return Streak(0, days, 0, say("streak.none"))
    text = say("streak.days", logged=len(by_day), days=days)
    if run >= rules["worth_saying"]:
        text = f"{text} {say('streak.run', run=run)}"
    return Streak(len(by_day), days, run, text)
