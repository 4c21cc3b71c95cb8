"""The agents' tools over moods and logs. What is written is one short transaction; what is read names its days and its n.

A questionnaire, or a log with an answer that the script has to ask about, is never filled in by an agent: the student
does that themself.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from agents.idempotency import Data, once
from agents.services import TurnContext
from agents.toolkit import AgentTool, Arguments
from core.errors import InvalidInput
from tools.events.reminders import MOOD, end_reminder, list_reminders, set_reminder
from tools.people.keys import student_key
from tools.people.uses import COMPANION, require_use
from tools.wellness.instruments.answers import read_answers
from tools.wellness.instruments.definition import Definition, definition, definitions
from tools.wellness.instruments.entries import Entry, entries_since, last_days, save_entry
from tools.wellness.instruments.explain import summarise
from tools.wellness.reading import mood_analytics

FILLABLE = tuple(made.id for made in definitions().values() if made.by_companion)
READABLE = tuple(definitions())
MOST_ENTRIES = 7


class MoodPatterns(Arguments):
    """Read what the student's mood log shows: direction with its uncertainty, swings, weekday, time of day, sleep, workload.

    Say only what has `clear` as its standing, with its n; `not_enough` and `unclear` mean that nothing can be claimed.
    """

    days: Annotated[int, Field(default=30, ge=7, le=366, description="how far back")]


class ListLogs(Arguments):
    """List the student's logs and questionnaires, when each was last filled in, and what can be written for them."""


class LogEntry(Arguments):
    """Write an entry into one of the student's logs. Only what the student said in this conversation, never a guess."""

    log: Annotated[str, Field(description="of: " + ", ".join(FILLABLE))]
    values: Annotated[
        dict[str, Any], Field(description="answers by item, as `list_logs` names them; leave out what was not said")
    ]


class LogSummary(Arguments):
    """Read what a stretch of one log or questionnaire shows: means, ranges, counts, the newest totals. Never a diagnosis."""

    log: Annotated[str, Field(description="of: " + ", ".join(READABLE))]
    days: Annotated[int, Field(default=30, ge=7, le=366, description="how far back")]


class SetReminder(Arguments):
    """Set or end a reminder of a log. Only when the student asked for it; it names nothing of what they write."""

    log: Annotated[str, Field(description="of: " + ", ".join((MOOD, *READABLE)))]
    hour: Annotated[
        int | None,
        Field(default=None, ge=0, le=23, description="hour of the student's day; left out ends the reminder"),
    ]
    every_days: Annotated[int, Field(default=1, ge=1, le=31)]


async def mood_patterns(context: TurnContext, asked: MoodPatterns) -> Data:
    """Return the analytics of the mood log."""
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "mood", COMPANION)
        found = await mood_analytics(tx, days=asked.days, now=context.services.clock.now(), zone=context.zone)
    return asdict(found)


async def list_logs(context: TurnContext, asked: ListLogs) -> Data:
    """Return what can be read and written."""
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "logs", COMPANION)
        last, reminders = await last_days(tx), await list_reminders(tx)
    return {
        "logs": [
            {
                "log": made.id,
                "title": made.title,
                "last_day": last.get(made.id),
                "can_write": made.by_companion,
                "items": _items(made) if made.by_companion else {},
            }
            for made in definitions().values()
        ],
        "reminders": [{"log": r.instrument, "every_days": r.every_days, "hour": r.hour} for r in reminders],
    }


async def log_entry(context: TurnContext, asked: LogEntry) -> Data:
    """Store an entry, once a turn and log."""
    if asked.log not in FILLABLE:
        raise InvalidInput(f"Only the student fills that in. Entries can be written for: {', '.join(FILLABLE)}.")
    made, now = definition(asked.log), context.services.clock.now()
    answers = read_answers(made, asked.values)
    async with context.services.db.acting(context.who) as tx:
        key = await student_key(tx)

        async def act() -> Data:
            day = now.astimezone(context.zone).date()
            entry = await save_entry(tx, key, made, answers, None, day=day, at=now, source_turn=context.turn_id)
            return {"entry": _entry(entry)}

        return await once(tx, key, context.turn_id, f"log_entry:{made.id}", "log_entry", act)


async def log_summary(context: TurnContext, asked: LogSummary) -> Data:
    """Return a summary and the newest totals, without the student's words."""
    made = definition(asked.log)
    today = context.services.clock.now().astimezone(context.zone).date()
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "logs", COMPANION)
        found = await entries_since(tx, await student_key(tx), made.id, today - timedelta(days=asked.days - 1))
    totals = [
        {"day": entry.day, "total": entry.score.value, "missing": entry.score.missing}
        for entry in found[:MOST_ENTRIES]
        if entry.score is not None
    ]
    return {"log": made.id, "summary": asdict(summarise(made, found, asked.days)), "totals": totals}


async def set_log_reminder(context: TurnContext, asked: SetReminder) -> Data:
    """Set or end a reminder, once a turn and log."""
    now = context.services.clock.now()
    async with context.services.db.acting(context.who) as tx:
        key = await student_key(tx)

        async def act() -> Data:
            if asked.hour is None:
                await end_reminder(tx, asked.log)
                return {"log": asked.log, "reminder": None}
            kept = await set_reminder(tx, asked.log, every_days=asked.every_days, hour=asked.hour, at=now)
            return {"log": asked.log, "reminder": {"every_days": kept.every_days, "hour": kept.hour}}

        return await once(tx, key, context.turn_id, f"set_reminder:{asked.log}", "set_reminder", act)


def _items(made: Definition) -> dict[str, str]:
    """Each item with what it takes."""
    return {
        item.id: f"{item.ask} ({item.kind.value}"
        + (f": {', '.join(str(option.value) for option in item.options)}" if item.options else "")
        + (f", {item.low:g} to {item.high:g}" if item.low is not None and item.high is not None else "")
        + (", needed)" if item.required else ")")
        for item in made.items
    }


def _entry(entry: Entry) -> dict[str, object]:
    return {"log": entry.instrument, "day": entry.day, "answers": entry.answers}


MOOD_PATTERNS = AgentTool("mood_patterns", "Read what your mood log shows", MoodPatterns, mood_patterns)
LIST_LOGS = AgentTool("list_logs", "Looked which logs there are", ListLogs, list_logs)
LOG_ENTRY = AgentTool("log_entry", "Wrote into your log", LogEntry, log_entry)
LOG_SUMMARY = AgentTool("log_summary", "Read one of your logs", LogSummary, log_summary)
SET_REMINDER = AgentTool("set_reminder", "Changed a reminder", SetReminder, set_log_reminder)
