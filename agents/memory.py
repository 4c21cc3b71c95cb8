"""What a turn remembers: the recent window, the running summary, and what the student's own data says now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.services import TurnContext
from core.errors import CompanionError
from tools.academic.tasks import Task, list_tasks
from tools.people.keys import student_key
from tools.people.uses import COMPANION, allows
from tools.wellness.mood import MoodEntry, mood_history

MOOD_DAYS = 14
MOST = 8


@dataclass(frozen=True, slots=True)
class Recalled:
    """Facts with their age; empty when the data could not be reached, which `complete` tells."""

    as_of: datetime
    moods: tuple[MoodEntry, ...] = ()
    """Newest first."""
    tasks: tuple[Task, ...] = ()
    """Open ones, soonest due first."""
    complete: bool = True


async def recall(context: TurnContext) -> Recalled:
    """Read the student's recent moods and open tasks in one short transaction; a failure costs only the memory."""
    now = context.services.clock.now()
    try:
        async with context.services.db.acting(context.who) as tx:
            key = await student_key(tx)
            moods, tasks = [], []
            if await allows(tx, "mood", COMPANION):
                moods = await mood_history(tx, key, since=now - timedelta(days=MOOD_DAYS), limit=MOST)
            if await allows(tx, "tasks", COMPANION):
                tasks = await list_tasks(tx, key, limit=MOST)
    except CompanionError:
        return Recalled(now, complete=False)
    return Recalled(now, tuple(moods), tuple(tasks))
