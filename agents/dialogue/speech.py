"""Times, tasks and steps in the words a student reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_STEP = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*])\s+(.+?)\s*$", re.MULTILINE)


def day_name(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """'today', 'yesterday', 'tomorrow', a weekday within the week, else the date."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    away = (local.date() - today).days
    if -1 <= away <= 1:
        return ("yesterday", "today", "tomorrow")[away + 1]
    if 1 < away < 7:
        return f"{local:%A}"
    if -7 < away < -1:
        return f"last {local:%A}"
    return f"{local:%B} {local.day}"


def due_words(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """'Friday at 23:59', or 'since yesterday' for what is overdue."""
    local = moment.astimezone(zone)
    if moment < now:
        return f"since {day_name(moment, now, zone)}"
    return f"{day_name(moment, now, zone)} at {local:%H:%M}"


def task_line(task: dict[str, Any], now: datetime, zone: ZoneInfo) -> str:
    """One line of a list of tasks, as the tools return them."""
    course = f" ({task['course']})" if task.get("course") else ""
    due = f", {due_words(datetime.fromisoformat(task['due']), now, zone)}" if task.get("due") else ""
    overdue = ", overdue" if task.get("due") and datetime.fromisoformat(task["due"]) < now else ""
    return f"- {task['title']}{course}{overdue}{due}"


def steps_of(text: str) -> list[str]:
    """The steps of a passage, in order, without their numbers."""
    return [" ".join(step.split()) for step in _STEP.findall(text)]


def prose_of(text: str, sentences: int) -> str:
    """The first sentences of a passage that are not steps or headings."""
    lines = [line for line in text.splitlines() if line.strip() and not _STEP.match(line) and not line.startswith("#")]
    found = re.split(r"(?<=[.?!])\s+", " ".join(" ".join(lines).split()))
    return " ".join(found[:sentences]).strip()


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
