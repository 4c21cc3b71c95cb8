"""What a turn remembers: the recent window, the running summary, and what the student's own data says now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.services import TurnContext
from core.errors import CompanionError
from tools.academic.items import Item
from tools.academic.known import due_in_canvas
from tools.academic.tasks import Task, list_tasks
from tools.people.companion import CompanionSettings, read_settings
from tools.people.keys import student_key
from tools.people.uses import COMPANION, allows
from tools.wellness.mood import MoodEntry, mood_history

MOOD_DAYS = 14
MOST = 8
WORK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Recalled:
    """Facts with their age; empty when the data could not be reached, which `complete` tells."""

    as_of: datetime
    moods: tuple[MoodEntry, ...] = ()
    """Newest first."""
    tasks: tuple[Task, ...] = ()
    """Open ones, soonest due first."""
    work: tuple[Item, ...] = ()
    """Open work of the next days in Canvas, where the student agreed to it, soonest due first."""
    canvas: str = ""
    """How old that is, in the student's own time."""
    chosen: CompanionSettings = field(default_factory=CompanionSettings)
    """How the student wants the companion to be."""
    complete: bool = True


async def recall(context: TurnContext) -> Recalled:
    """Read the student's recent moods, open tasks and work that is due in one short transaction; a failure costs only the memory."""
    now = context.services.clock.now()
    try:
        async with context.services.db.acting(context.who) as tx:
            key = await student_key(tx)
            chosen = await read_settings(tx, key)
            moods, tasks = [], []
            if await allows(tx, "mood", COMPANION):
                moods = await mood_history(tx, key, since=now - timedelta(days=MOOD_DAYS), limit=MOST)
            if await allows(tx, "tasks", COMPANION):
                tasks = await list_tasks(tx, key, limit=MOST)
            work: list[Item] = []
            canvas = ""
            if await allows(tx, "courses", COMPANION):
                work, canvas = await due_in_canvas(tx, key, now, days=WORK_DAYS)
    except CompanionError:
        return Recalled(now, complete=False)
    return Recalled(now, tuple(moods), tuple(tasks), tuple(work[:MOST]), canvas, chosen)
