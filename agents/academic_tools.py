"""The agents' tools over a student's studies: the mirror of Canvas where they agreed to it, their tasks, the plan.

Data of Canvas comes with its own age (`canvas`), which is older than the moment of the call. A hidden grade is no number,
and every moment is in the student's zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from agents.idempotency import Data
from agents.services import TurnContext
from agents.toolkit import AgentTool, Arguments
from tools.academic import desk
from tools.academic.canvas.meaning import WorkState
from tools.academic.desk import Look
from tools.academic.grades import posted_grades
from tools.academic.items import Academic, Item
from tools.academic.known import Scope, as_of
from tools.academic.overview import course_view
from tools.academic.words import words
from tools.people.uses import COMPANION, allows, require_use

MOST = 12
LAST_GRADES = 5


class WhatsDue(Arguments):
    """What the student has due soon, from Canvas and from their own tasks, overdue and missing work included."""

    days: Annotated[int, Field(default=7, ge=1, le=60, description="how far ahead")]


class Grades(Arguments):
    """Read the student's courses with totals and released grades. A grade that is not released is never a number."""

    course: Annotated[
        str | None, Field(default=None, max_length=80, description="part of a course's name or code; all when left out")
    ]


class MissingWork(Arguments):
    """Read what Canvas counts as missing, and what of it can still be handed in."""


class WhatFirst(Arguments):
    """Read what comes first among all open work, with the reasons: share of the grade, time left, hours it takes."""


class Workload(Arguments):
    """Read how full the student's week is, 0 to 100 in four parts. About work only: never say how somebody feels from it."""


class StudyPlan(Arguments):
    """Read a plan of short sittings for the next days, spread before deadlines and around busy times and sleep."""

    days: Annotated[int, Field(default=3, ge=1, le=7)]


async def whats_due(context: TurnContext, asked: WhatsDue) -> Data:
    """Return open work due within the given days, overdue first."""
    known = (await _look(context)).known
    until = known.now + timedelta(days=asked.days)
    found = [item for item in known.items if item.open and item.due and item.due <= until]
    return {"days": asked.days, "tasks": [_item(known, item) for item in found[:MOST]], "canvas": as_of(known)}


async def grades(context: TurnContext, asked: Grades) -> Data:
    """Return courses with totals and their last grades."""
    known = (await _look(context)).known
    wanted = (asked.course or "").casefold()
    courses = []
    for course in known.courses.values():
        if wanted and wanted not in f"{course.name or ''} {course.course_code or ''}".casefold():
            continue
        view, work = course_view(known, course), known.work_of(course.id)
        last = posted_grades(work, known.now)[-LAST_GRADES:]
        courses.append(
            {
                "course": view.name,
                "percent": view.percent,
                "said": view.said,
                "grades": [{"title": one.work.name, "percent": round(one.percent)} for one in reversed(last)],
                "not_released": [
                    item.title
                    for item in known.items
                    if item.course_id == course.id and item.state is WorkState.NOT_RELEASED
                ],
            }
        )
    return {"courses": courses[:MOST], "canvas": as_of(known)}


async def missing_work(context: TurnContext, asked: MissingWork) -> Data:
    """Return missing work."""
    known = (await _look(context)).known
    found = [item for item in known.items if item.missing]
    return {"missing": [_item(known, item) for item in found[:MOST]], "canvas": as_of(known)}


async def what_first(context: TurnContext, asked: WhatFirst) -> Data:
    """Return open work by priority."""
    look = await _look(context)
    first = [_item(look.known, one.item) | {"why": one.why} for one in look.ranked[:6]]
    return {"first": first, "canvas": as_of(look.known)}


async def workload(context: TurnContext, asked: Workload) -> Data:
    """Return how full the week is."""
    look = await _look(context)
    found, names = look.pressure, words()["pressure"]["names"]
    return {
        "score": found.score,
        "said": found.said,
        "about": found.about,
        "parts": [
            {"part": names[part.name], "points": None if part.value is None else part.points, "said": part.said}
            for part in found.parts
        ],
        "canvas": as_of(look.known),
    }


async def study_plan(context: TurnContext, asked: StudyPlan) -> Data:
    """Return sittings of the next days."""
    look = await _look(context, days=asked.days)
    known, plan = look.known, look.plan
    return {
        "blocks": [
            {"from": _local(known, block.start), "to": _local(known, block.end), "what": block.said}
            for block in plan.blocks[:MOST]
        ],
        "notes": list(plan.notes),
        "canvas": as_of(known),
    }


async def _look(context: TurnContext, *, days: int = desk.PLAN_DAYS) -> Look:
    """What the companion may use of the student's studies; raises `NotAllowed` when that is nothing."""
    async with context.services.db.acting(context.who) as tx:
        scope = Scope(canvas=await allows(tx, "courses", COMPANION), tasks=await allows(tx, "tasks", COMPANION))
        if not scope.tasks and not scope.canvas:
            await require_use(tx, "tasks", COMPANION)
        return await desk.look_in(tx, context.services.clock.now(), days=days, scope=scope)


def _item(known: Academic, item: Item) -> Data:
    return {
        "id": item.id if item.source == "own" else None,
        "title": item.title,
        "course": item.course,
        "due": _local(known, item.due) if item.due else None,
        "said": item.said,
        "from": "Canvas" if item.source == "canvas" else "own list",
        "done": False,
    }


def _local(known: Academic, moment: datetime) -> str:
    return moment.astimezone(known.zone).isoformat(timespec="minutes")


WHATS_DUE = AgentTool("whats_due", "Looked up what is due", WhatsDue, whats_due)
GRADES = AgentTool("grades", "Read your grades", Grades, grades)
MISSING_WORK = AgentTool("missing_work", "Looked up what is missing", MissingWork, missing_work)
WHAT_FIRST = AgentTool("what_first", "Looked at what comes first", WhatFirst, what_first)
WORKLOAD = AgentTool("workload", "Looked at how full your week is", Workload, workload)
STUDY_PLAN = AgentTool("study_plan", "Made a plan of your next days", StudyPlan, study_plan)
