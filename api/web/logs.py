"""Moods, questionnaires and logs as pages: one form and one way to read back for all of them. They work without a script."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.routes.mood import MoodIn, note_and_log
from api.web.rendering import go, render
from api.web.session import PageStudent
from conversations.submitting import Submitted
from core.errors import CompanionError, InvalidInput
from core.ids import new_id
from db.access import Acting
from tools.events.reminders import MOOD, Reminder, end_reminder, list_reminders, set_reminder
from tools.people.keys import student_key
from tools.people.people import own_zone
from tools.wellness.analytics import figures
from tools.wellness.emotions import emotions
from tools.wellness.instruments.definition import Definition, ItemKind, definition, definitions
from tools.wellness.instruments.entries import delete_entry, entries_since, last_days
from tools.wellness.instruments.explain import readable, summarise
from tools.wellness.instruments.wording import worded
from tools.wellness.mood import LONGEST_NOTE, mood_history
from tools.wellness.reading import mood_analytics

router = APIRouter(include_in_schema=False)
SHOWN_DAYS = 30
MOST_SHOWN = 20


@router.get("/logs")
async def logs(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """What can be filled in, and when it last was."""
    async with parts.db.acting(who) as tx:
        last, zone = await last_days(tx), await own_zone(tx)
    today = parts.clock.now().astimezone(zone).date()
    return render(request, "logs.html", known=definitions().values(), last=last, today=today)


@router.get("/logs/mood")
async def mood(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Log a mood, and what moods show."""
    return await _mood(request, who, parts)


@router.post("/logs/mood")
async def log_mood(
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    score: Annotated[int, Form()] = 0,
    feelings: Annotated[list[str] | None, Form()] = None,
    note: Annotated[str, Form()] = "",
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Store a mood; a note that the script answers leads to the chat."""
    body = MoodIn(score=score, emotions=feelings or [], note=note.strip() or None)
    try:
        entry, answered = await note_and_log(parts, who, body, key or str(new_id()))
    except CompanionError as error:
        return await _mood(request, who, parts, trouble=error.message, status=error.status, tried=body)
    if answered is not None:
        return go(request, f"/chat/{answered.conversation}")
    return await _mood(request, who, parts, saved=entry is not None)


@router.get("/logs/{name}")
async def log(name: str, request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """The form, and what was filled in before."""
    return await _log(request, who, parts, definition(name))


@router.post("/logs/{name}")
async def fill_in(name: str, request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Store what was filled in; what the script asks about leads to the chat."""
    made, form = definition(name), await request.form()
    given: dict[str, Any] = {}
    for item in made.items:
        entries = [str(entry) for entry in form.getlist(item.id) if str(entry).strip()]
        if entries:
            given[item.id] = entries if item.kind is ItemKind.MANY else entries[0]
    try:
        day = _day(str(form.get("day") or ""))
        done = await parts.submitting.submit(who, made, given, key=f"{name}:{form.get('key') or new_id()}", day=day)
    except CompanionError as error:
        return await _log(request, who, parts, made, trouble=error.message, status=error.status, tried=given)
    conversation = done.answered.conversation if done.answered else done.asked_in
    if conversation is not None:
        return go(request, f"/chat/{conversation}")
    return await _log(request, who, parts, made, done=done)


@router.post("/logs/{name}/reminder")
async def remind(
    name: str,
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    hour: Annotated[str, Form(max_length=2)] = "",
    every_days: Annotated[int, Form()] = 1,
) -> Response:
    """Ask for a reminder, or end it; back to where it was asked for."""
    try:
        async with parts.db.acting(who) as tx:
            if hour.isdigit():
                await set_reminder(tx, name, every_days=every_days, hour=int(hour), at=parts.clock.now())
            else:
                await end_reminder(tx, name)
    except CompanionError as error:
        if name == MOOD:
            return await _mood(request, who, parts, trouble=error.message, status=error.status)
        return await _log(request, who, parts, definition(name), trouble=error.message, status=error.status)
    return go(request, f"/logs/{name}")


@router.post("/logs/{name}/{entry_id}/delete")
async def remove(name: str, entry_id: UUID, request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Delete one entry."""
    async with parts.db.acting(who) as tx:
        await delete_entry(tx, entry_id)
    return go(request, f"/logs/{definition(name).id}")


async def _mood(
    request: Request,
    who: Acting,
    parts: Parts,
    *,
    trouble: str = "",
    status: int = 200,
    tried: MoodIn | None = None,
    saved: bool = False,
) -> Response:
    now = parts.clock.now()
    days = figures()["window"]["days"]
    async with parts.db.acting(who) as tx:
        zone = await own_zone(tx)
        shown = await mood_analytics(tx, days=days, now=now, zone=zone)
        newest = await mood_history(tx, await student_key(tx), since=now - timedelta(days=days), limit=MOST_SHOWN)
        reminder = _of(MOOD, await list_reminders(tx))
    return render(
        request,
        "mood.html",
        status,
        shown=shown,
        newest=newest,
        feelings=emotions().values(),
        trouble=trouble,
        tried=tried,
        saved=saved,
        log=MOOD,
        reminder=reminder,
        key=str(new_id()),
        longest=LONGEST_NOTE,
        zone=zone.key,
        now=now,
    )


async def _log(
    request: Request,
    who: Acting,
    parts: Parts,
    made: Definition,
    *,
    trouble: str = "",
    status: int = 200,
    tried: dict[str, Any] | None = None,
    done: Submitted | None = None,
) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        shown = await worded(tx, made)
        today = now.astimezone(await own_zone(tx)).date()
        found = await entries_since(tx, await student_key(tx), made.id, today - timedelta(days=SHOWN_DAYS - 1))
        reminder = _of(made.id, await list_reminders(tx))
    return render(
        request,
        "log.html",
        status,
        made=shown.definition,
        official=shown.official,
        newest=[(entry, readable(shown.definition, entry)) for entry in found[:MOST_SHOWN]],
        summary=summarise(shown.definition, found, SHOWN_DAYS),
        said=done.said if done else (),
        saved=done is not None and done.entry is not None,
        trouble=trouble,
        log=made.id,
        reminder=reminder,
        tried=tried or {},
        key=str(new_id()),
        today=today,
    )


def _of(name: str, found: list[Reminder]) -> Reminder | None:
    return next((reminder for reminder in found if reminder.instrument == name), None)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("The day is written as 2026-11-20.") from error
