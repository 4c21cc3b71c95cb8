"""The student's work on one page: what comes first and why, how full the week is, the plan, tasks. No script needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web.rendering import go, render
from api.web.session import PageStudent
from core.crypto import SubjectKey
from core.errors import CompanionError, InvalidInput
from db.access import Acting, Tx
from tools.academic import desk, tasks
from tools.academic.canvas.times import zone_of_student
from tools.academic.felt import answer_week, fit_of, week_answers
from tools.academic.known import as_of
from tools.academic.overview import overview
from tools.academic.plan import Block, StudyPlan
from tools.academic.study import Busy, StudyTimes, forget_week, read_week, save_week
from tools.academic.words import words
from tools.people.keys import student_key

router = APIRouter(include_in_schema=False, prefix="/studies")
Line = Annotated[str, Form(max_length=300)]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST = 8
Change = Callable[[Tx, SubjectKey, ZoneInfo], Awaitable[object]]


@router.get("")
async def page(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Everything at a glance."""
    return await _page(request, who, parts)


@router.post("/tasks")
async def add(
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    title: Line = "",
    due: Line = "",
    minutes: Line = "",
    course: Line = "",
    importance: Line = "normal",
) -> Response:
    """Add a task."""

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        await tasks.create_task(
            tx,
            key,
            title=title,
            due_at=_moment(due, zone),
            estimate_minutes=_minutes(minutes),
            course=course.strip()[:120] or None,
            importance=_importance(importance),
        )

    return await _do(request, who, parts, act)


@router.get("/tasks/{task_id}")
async def task(request: Request, task_id: UUID, who: PageStudent, parts: PartsDep) -> Response:
    """One task, to change."""
    return await _task_page(request, task_id, who, parts)


@router.post("/tasks/{task_id}")
async def change(
    request: Request,
    task_id: UUID,
    who: PageStudent,
    parts: PartsDep,
    title: Line = "",
    due: Line = "",
    minutes: Line = "",
    course: Line = "",
    importance: Line = "normal",
) -> Response:
    """Store what was changed."""

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        changes = {
            "title": title,
            "due_at": _moment(due, zone),
            "estimate_minutes": _minutes(minutes),
            "course": course.strip()[:120] or None,
            "importance": _importance(importance),
        }
        await tasks.change_task(tx, key, task_id, changes)

    try:
        await _change(who, parts, act)
    except CompanionError as error:
        return await _task_page(request, task_id, who, parts, trouble=error.message, status=error.status)
    return go(request, "/studies")


@router.post("/tasks/{task_id}/done")
async def done(request: Request, task_id: UUID, who: PageStudent, parts: PartsDep, minutes: Line = "") -> Response:
    """Mark a task done, with the time it took if it was filled in."""

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        await tasks.complete_task(tx, key, task_id=task_id, at=parts.clock.now(), spent_minutes=_minutes(minutes))

    return await _do(request, who, parts, act)


@router.post("/tasks/{task_id}/delete")
async def delete(request: Request, task_id: UUID, who: PageStudent, parts: PartsDep) -> Response:
    """Delete a task."""
    return await _do(request, who, parts, lambda tx, key, zone: tasks.delete_task(tx, task_id))


@router.post("/felt")
async def felt(request: Request, who: PageStudent, parts: PartsDep, felt: Line = "") -> Response:
    """Answer the week's question."""
    now = parts.clock.now()

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        look = await desk.look_in(tx, now)
        answer = int(felt) if felt.strip().isdecimal() else 0
        await answer_week(tx, answer, look.pressure.score, at=now, today=now.astimezone(look.known.zone).date())

    return await _do(request, who, parts, act)


@router.get("/times")
async def times(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """When the student sleeps, is busy and has time."""
    return await _times_page(request, who, parts)


@router.post("/times")
async def save_times(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Store sleep and free hours; busy times stay."""
    form = await request.form()

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        before = (await read_week(tx, key)).times
        try:
            new = StudyTimes(
                sleep_from=time.fromisoformat(str(form.get("sleep_from") or "")),
                sleep_to=time.fromisoformat(str(form.get("sleep_to") or "")),
                free_hours=tuple(float(str(form.get(f"free_{number}") or "0")) for number in range(7)),
                busy=before.busy,
            )
        except ValueError as error:
            raise InvalidInput("Give two times of day for sleep, and up to 16 free hours for each day.") from error
        await save_week(tx, key, new, at=parts.clock.now())

    return await _do_times(request, who, parts, act)


@router.post("/times/busy")
async def add_busy(
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    weekday: Line = "",
    start: Line = "",
    end: Line = "",
    label: Line = "",
) -> Response:
    """Add a time of the week that is taken."""

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        before = (await read_week(tx, key)).times
        try:
            taken = Busy(
                weekday=int(weekday),
                start=time.fromisoformat(start),
                end=time.fromisoformat(end),
                label=label.strip()[:80],
            )
            new = StudyTimes(**before.model_dump() | {"busy": (*before.busy, taken)})
        except ValueError as error:
            raise InvalidInput("Choose a day, a beginning and a later end on the same day.") from error
        await save_week(tx, key, new, at=parts.clock.now())

    return await _do_times(request, who, parts, act)


@router.post("/times/busy/remove")
async def remove_busy(request: Request, who: PageStudent, parts: PartsDep, number: Line = "") -> Response:
    """Free a time of the week again."""

    async def act(tx: Tx, key: SubjectKey, zone: ZoneInfo) -> None:
        before = (await read_week(tx, key)).times
        kept = tuple(taken for place, taken in enumerate(before.busy) if str(place) != number)
        await save_week(tx, key, before.model_copy(update={"busy": kept}), at=parts.clock.now())

    return await _do_times(request, who, parts, act)


@router.post("/times/forget")
async def forget_times(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Go back to what is assumed."""
    return await _do_times(request, who, parts, lambda tx, key, zone: forget_week(tx))


async def _change(who: Acting, parts: Parts, act: Change) -> None:
    async with parts.db.acting(who) as tx:
        await act(tx, await student_key(tx), await zone_of_student(tx, None))


async def _do(request: Request, who: Acting, parts: Parts, act: Change) -> Response:
    try:
        await _change(who, parts, act)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/studies")


async def _do_times(request: Request, who: Acting, parts: Parts, act: Change) -> Response:
    try:
        await _change(who, parts, act)
    except CompanionError as error:
        return await _times_page(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/studies/times")


async def _page(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        look, answers = await desk.look_in(tx, now), await week_answers(tx)
    known = look.known
    today = now.astimezone(known.zone).date()
    return render(
        request,
        "work.html",
        status,
        known=known,
        as_of=as_of(known),
        first=look.ranked[:FIRST],
        more=max(0, len(look.ranked) - FIRST),
        missing=[item for item in known.items if item.missing],
        pressure=look.pressure,
        names=words()["pressure"]["names"],
        question=words()["calibration"]["question"],
        answered=next((one for one in answers if (today - one.week).days < 7), None),
        fit=fit_of(answers),
        days=_by_day(look.plan, known.zone),
        plan=look.plan,
        seen=overview(known),
        own=[item for item in known.items if item.source == "own"],
        trouble=trouble,
        zone=known.zone.key,
        now=now,
    )


async def _task_page(
    request: Request, task_id: UUID, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200
) -> Response:
    async with parts.db.acting(who) as tx:
        found, zone = await tasks.read_task(tx, await student_key(tx), task_id), await zone_of_student(tx, None)
    due = found.due_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if found.due_at else ""
    return render(request, "task.html", status, task=found, due=due, trouble=trouble, zone=zone.key)


async def _times_page(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    async with parts.db.acting(who) as tx:
        week = await read_week(tx, await student_key(tx))
    return render(request, "study_times.html", status, week=week, days=DAYS, trouble=trouble)


def _by_day(plan: StudyPlan, zone: ZoneInfo) -> list[tuple[date, list[Block]]]:
    days: dict[date, list[Block]] = {}
    for block in plan.blocks:
        days.setdefault(block.start.astimezone(zone).date(), []).append(block)
    return list(days.items())


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise InvalidInput("Give the due date as a day and a time, or leave it empty.") from error


def _minutes(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal():
        raise InvalidInput("Give the minutes as a whole number, or leave them empty.")
    return int(text)


def _importance(text: str) -> tasks.Importance:
    match text:
        case "low" | "normal" | "high":
            return text
        case _:
            raise InvalidInput("A task counts low, normal or high.")
