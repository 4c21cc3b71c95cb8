"""The agents' tools over the functions of `tools/`.

Each call is its own short transaction as the acting student. Writes happen once per turn: a mood once, a task once per
title, so that a second execution of the turn, or the embedded responder after a model broke off, repeats nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from agents.academic_tools import GRADES, MISSING_WORK, STUDY_PLAN, WHAT_FIRST, WHATS_DUE, WORKLOAD
from agents.dialogue.dates import parse_when
from agents.idempotency import Data, once
from agents.library import STEPS, find_passages, find_skill, is_draft
from agents.services import TurnContext
from agents.state import CitedPassage
from agents.toolkit import AgentTool, Arguments, Toolbox
from agents.wellness_tools import LIST_LOGS, LOG_ENTRY, LOG_SUMMARY, MOOD_PATTERNS, SET_REMINDER
from core.errors import InvalidInput
from rag.search import Passage
from safety.disclosure import Gate
from safety.resources import resources_for
from safety.review import ReviewContext, review_text
from safety.review_rules import TextKind
from tools.academic import tasks
from tools.academic.tasks import Task
from tools.care.plan import read_plan
from tools.people.companion import read_settings
from tools.people.keys import student_key
from tools.people.uses import COMPANION, require_use
from tools.wellness import mood
from tools.wellness.mood import EMOTIONS, MoodEntry

MOST_TASKS = 12


class LogMood(Arguments):
    """Store the student's mood right now. Only when the student gave a number from 1 (very low) to 10 (very good)."""

    score: Annotated[int, Field(ge=1, le=10, description="the student's own number")]
    emotions: Annotated[list[str], Field(default_factory=list, max_length=5, description="of: " + ", ".join(EMOTIONS))]
    note: Annotated[str | None, Field(default=None, max_length=500, description="in the student's words, if given")]


class MoodHistory(Arguments):
    """Read the student's mood entries and which way they go."""

    days: Annotated[int, Field(default=14, ge=1, le=365, description="how far back")]


class ListTasks(Arguments):
    """List the student's open tasks with their ids, soonest due first."""


class CreateTask(Arguments):
    """Add a task to the student's list. Only when the student asked for it."""

    title: Annotated[str, Field(min_length=1, max_length=300)]
    due: Annotated[
        str | None,
        Field(
            default=None, max_length=80, description="as the student said it, such as 'friday 5pm', or ISO local time"
        ),
    ]
    course: Annotated[str | None, Field(default=None, max_length=80)]
    estimate_minutes: Annotated[int | None, Field(default=None, ge=1, le=6000)]


class CompleteTask(Arguments):
    """Mark one of the student's tasks as done. Take the id from list_tasks."""

    task_id: UUID


class FindContent(Arguments):
    """Find passages about a skill or a difficulty. Use before giving any skill or fact; cite by its marker."""

    query: Annotated[str, Field(min_length=2, max_length=300, description="what the student needs, in plain words")]
    steps: Annotated[bool, Field(default=False, description="true for the steps of one skill to try now")]


class Lines(Arguments):
    """Crisis lines and emergency numbers of the student's region, and how to reach a person."""


class ReadSafetyPlan(Arguments):
    """Read the student's own safety plan."""


async def log_mood(context: TurnContext, asked: LogMood) -> Data:
    """Store a mood entry; returns it with the latest earlier one."""
    unknown = sorted(set(asked.emotions) - set(EMOTIONS))
    if unknown:
        raise InvalidInput(f"Unknown emotions {', '.join(unknown)}. Choose from: {', '.join(EMOTIONS)}.")
    now = context.services.clock.now()
    async with context.services.db.acting(context.who) as tx:
        key = await student_key(tx)

        async def act() -> Data:
            earlier = await mood.mood_history(tx, key, since=now - timedelta(days=60), limit=1)
            entry = await mood.log_mood(
                tx,
                key,
                score=asked.score,
                emotions=asked.emotions,
                note=asked.note,
                at=now,
                source_turn=context.turn_id,
            )
            return {"logged": _entry(entry), "earlier": _entry(earlier[0]) if earlier else None}

        return await once(tx, key, context.turn_id, "log_mood", "log_mood", act)


async def mood_history(context: TurnContext, asked: MoodHistory) -> Data:
    """Return entries, newest first, and their trend."""
    since = context.services.clock.now() - timedelta(days=asked.days)
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "mood", COMPANION)
        entries = await mood.mood_history(tx, await student_key(tx), since=since, limit=60)
    trend = mood.mood_trend(entries)
    return {
        "days": asked.days,
        "entries": [_entry(entry) for entry in entries],
        "trend": {"n": trend.n, "mean": trend.mean, "per_week": trend.slope_per_week, "direction": trend.direction},
    }


async def list_tasks(context: TurnContext, asked: ListTasks) -> Data:
    """Return open tasks, soonest first."""
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "tasks", COMPANION)
        found = await tasks.list_tasks(tx, await student_key(tx), limit=MOST_TASKS)
    return {"tasks": [_task(context, task) for task in found]}


async def create_task(context: TurnContext, asked: CreateTask) -> Data:
    """Store a task; its due date is read in the student's time zone."""
    due = parse_when(asked.due, context.services.clock.now(), context.zone) if asked.due else None
    if asked.due and due is None:
        raise InvalidInput(f"{asked.due!r} is not a date that can be read. Give a day and a time.")
    async with context.services.db.acting(context.who) as tx:
        key = await student_key(tx)

        async def act() -> Data:
            task = await tasks.create_task(
                tx,
                key,
                title=asked.title,
                due_at=due,
                estimate_minutes=asked.estimate_minutes,
                course=asked.course,
                source_turn=context.turn_id,
            )
            return {"task": _task(context, task)}

        call = f"create_task:{asked.title.casefold()}"
        return await once(tx, key, context.turn_id, call, "create_task", act)


async def complete_task(context: TurnContext, asked: CompleteTask) -> Data:
    """Mark a task done."""
    now = context.services.clock.now()
    async with context.services.db.acting(context.who) as tx:
        key = await student_key(tx)

        async def act() -> Data:
            done = await tasks.complete_task(tx, key, task_id=asked.task_id, at=now)
            left = await tasks.list_tasks(tx, key, limit=MOST_TASKS)
            return {"task": _task(context, done), "left": len(left)}

        return await once(tx, key, context.turn_id, f"complete_task:{asked.task_id}", "complete_task", act)


async def find_content(context: TurnContext, asked: FindContent) -> Data:
    """Search the knowledge base; every passage gets a marker by which the reply cites it."""
    vector = context.vector if asked.query == context.message else None
    if vector is None:
        vector = (await asyncio.to_thread(context.services.embedder.encode, [asked.query]))[0]
    async with context.services.db.acting(context.who) as tx:
        find = find_skill if asked.steps else find_passages
        chosen = await read_settings(tx, await student_key(tx))
        passages = await find(
            tx,
            asked.query,
            vector,
            embedder=context.services.embedder.name,
            language=context.language,
            without=chosen.left_out,
        )
    found = []
    for passage in passages:
        section = passage.heading_path[-1] if passage.heading_path else passage.title
        number = context.gate.offer(CitedPassage(passage.anchor, passage.title, section, is_draft(passage)))
        text, _ = review_text(_allowed(context, passage), ReviewContext(TextKind.PASSAGE, context.language))
        found.append({"marker": f"[{number}]", "title": passage.title, "section": section, "text": text})
    return {"passages": found}


def _allowed(context: TurnContext, passage: Passage) -> str:
    """The passage, or where the law wants no led exercise, its name in place of the steps."""
    if passage.section != STEPS or context.law.allows(Gate.GUIDED_THERAPY_EXERCISES):
        return passage.text
    return f"The library has a page on this, {passage.title}. You can read it and try it by yourself."


async def lines(context: TurnContext, asked: Lines) -> Data:
    """Return the lines of the student's region; looked up, never ranked."""
    return {
        "lines": [
            {
                "name": line.name,
                "call": line.call,
                "text": line.text,
                "text_body": line.text_body,
                "chat": line.chat,
                "kind": line.kind.value,
                "hours": line.hours,
            }
            for line in resources_for(context.region, context.language)
        ]
    }


async def safety_plan(context: TurnContext, asked: ReadSafetyPlan) -> Data:
    """Return the student's own plan, or None."""
    async with context.services.db.acting(context.who) as tx:
        await require_use(tx, "safety_plan", COMPANION)
        plan = await read_plan(tx, await student_key(tx))
    if plan is None:
        return {"plan": None}
    return {"plan": {step: lines for step, lines in asdict(plan).items() if step != "updated_at"}}


def _entry(entry: MoodEntry) -> Data:
    return {"score": entry.score, "emotions": list(entry.emotions), "at": entry.logged_at.isoformat()}


def _task(context: TurnContext, task: Task) -> Data:
    due = task.due_at.astimezone(context.zone).isoformat(timespec="minutes") if task.due_at else None
    return {
        "id": str(task.id),
        "title": task.title,
        "course": task.course,
        "due": due,
        "estimate_minutes": task.estimate_minutes,
        "done": task.completed_at is not None,
    }


LOG_MOOD = AgentTool("log_mood", "Logged your mood", LogMood, log_mood)
MOOD_HISTORY = AgentTool("mood_history", "Read your mood log", MoodHistory, mood_history)
LIST_TASKS = AgentTool("list_tasks", "Read your tasks", ListTasks, list_tasks)
CREATE_TASK = AgentTool("create_task", "Added a task", CreateTask, create_task)
COMPLETE_TASK = AgentTool("complete_task", "Marked a task as done", CompleteTask, complete_task)
FIND_CONTENT = AgentTool("find_content", "Looked in the library", FindContent, find_content)
LINES = AgentTool("lines", "Looked up who you can reach", Lines, lines)
SAFETY_PLAN = AgentTool("safety_plan", "Opened your safety plan", ReadSafetyPlan, safety_plan)

ALL_TOOLS = Toolbox.of(
    LOG_MOOD, MOOD_HISTORY, LIST_TASKS, CREATE_TASK, COMPLETE_TASK, FIND_CONTENT, LINES, SAFETY_PLAN,
    WHATS_DUE, GRADES, MISSING_WORK, WHAT_FIRST, WORKLOAD, STUDY_PLAN,
    MOOD_PATTERNS, LIST_LOGS, LOG_ENTRY, LOG_SUMMARY, SET_REMINDER,
)  # fmt: skip
