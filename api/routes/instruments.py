"""Questionnaires and logs: one API for all of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from api.routes.answered import AnsweredOut, answered_out
from core.ids import new_id
from tools.people.keys import student_key
from tools.people.people import own_zone
from tools.wellness.instruments.definition import Definition, Item, definition, definitions
from tools.wellness.instruments.entries import Entry, delete_entry, entries_since, entry_page, last_days, read_entry
from tools.wellness.instruments.explain import Summary, summarise
from tools.wellness.instruments.scoring import Score
from tools.wellness.instruments.wording import Worded, worded

router = APIRouter(prefix="/api/v1/wellness", tags=["wellness"])
KEPT = 202
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class OptionOut(BaseModel):
    """One answer that can be chosen."""

    value: int | str
    label: str


class ItemOut(BaseModel):
    """One question."""

    id: str
    ask: str
    kind: str = Field(description="`scale`, `number`, `yes_no`, `one`, `many`, `time` (HH:MM), `line`, `text`")
    options: list[OptionOut]
    low: float | None
    high: float | None
    step: float
    unit: str
    required: bool


class InstrumentLine(BaseModel):
    """One instrument or log."""

    id: str
    kind: Literal["questionnaire", "log"]
    title: str
    about: str
    per: Literal["day", "moment"]
    last_day: date | None = Field(description="When the student last filled it in")


class InstrumentOut(InstrumentLine):
    """Everything needed to show the form."""

    version: int
    frame: str
    note: str
    source: str
    wording: str = Field(description="`own`: the project's words; else the source of what the campus loaded")
    items: list[ItemOut]


class EntryIn(BaseModel):
    """What was filled in."""

    values: dict[str, Any] = Field(description="By item; what is left out is missing. Words are heard like a message")
    day: date | None = Field(None, description="The day it is about, at most 31 days back; today if left out")


class EntryOut(BaseModel):
    """One entry."""

    id: UUID
    instrument: str
    version: int
    day: date
    at: datetime
    answers: dict[str, Any]
    score: Score | None


class EntrySubmitted(BaseModel):
    """What was stored, what it says, and what the script says about it."""

    entry: EntryOut | None = Field(description="null: the database is down, and only urgent words were taken in")
    result: list[str] = Field(description="The result in sentences; never a diagnosis")
    crisis: AnsweredOut | None
    asked_in: UUID | None = Field(description="The conversation in which one of the answers is asked about")


class EntryPage(BaseModel):
    """Entries, newest first, a page at a time."""

    items: list[EntryOut]
    next_cursor: str | None
    as_of: datetime


@router.get("/instruments")
async def instruments(who: StudentDep, parts: PartsDep) -> list[InstrumentLine]:
    """All questionnaires and logs."""
    async with parts.db.acting(who) as tx:
        last = await last_days(tx)
    return [_line(known, last.get(known.id)) for known in definitions().values()]


@router.get("/instruments/{name}")
async def instrument(name: Name, who: StudentDep, parts: PartsDep) -> InstrumentOut:
    """One of them, in the words that the campus shows."""
    async with parts.db.acting(who) as tx:
        shown, last = await worded(tx, definition(name)), await last_days(tx)
    return _out(shown, last.get(name))


@router.post("/instruments/{name}/entries", status_code=201)
async def submit(
    name: Name,
    body: EntryIn,
    who: StudentDep,
    parts: PartsDep,
    response: Response,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)] = None,
) -> EntrySubmitted:
    """Fill one in. The same `Idempotency-Key` again is the same entry; a daily log keeps one entry a day."""
    made = definition(name)
    done = await parts.submitting.submit(who, made, body.values, key=f"{name}:{key or new_id()}", day=body.day)
    if done.entry is None:
        response.status_code = KEPT
    return EntrySubmitted(
        entry=_entry(done.entry) if done.entry else None,
        result=list(done.said),
        crisis=answered_out(done.answered),
        asked_in=done.asked_in,
    )


@router.get("/instruments/{name}/entries")
async def entries(
    name: Name,
    who: StudentDep,
    parts: PartsDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> EntryPage:
    """What was filled in, newest first."""
    async with parts.db.acting(who) as tx:
        found, next_cursor = await entry_page(
            tx, await student_key(tx), definition(name).id, limit=limit, cursor=cursor
        )
    return EntryPage(items=[_entry(entry) for entry in found], next_cursor=next_cursor, as_of=parts.clock.now())


@router.get("/instruments/{name}/summary")
async def summary(
    name: Name, who: StudentDep, parts: PartsDep, days: Annotated[int, Query(ge=7, le=366)] = 30
) -> Summary:
    """What a stretch of entries shows: means, ranges and counts, with their n."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        made = (await worded(tx, definition(name))).definition
        since = now.astimezone(await own_zone(tx)).date() - timedelta(days=days - 1)
        found = await entries_since(tx, await student_key(tx), made.id, since)
    return summarise(made, found, days)


@router.get("/entries/{entry_id}")
async def one_entry(entry_id: UUID, who: StudentDep, parts: PartsDep) -> EntryOut:
    """One entry."""
    async with parts.db.acting(who) as tx:
        return _entry(await read_entry(tx, await student_key(tx), entry_id))


@router.delete("/entries/{entry_id}", status_code=204)
async def remove_entry(entry_id: UUID, who: StudentDep, parts: PartsDep) -> None:
    """Delete one entry."""
    async with parts.db.acting(who) as tx:
        await delete_entry(tx, entry_id)


def _line(made: Definition, last: date | None) -> InstrumentLine:
    return InstrumentLine(id=made.id, kind=made.kind, title=made.title, about=made.about, per=made.per, last_day=last)


def _out(shown: Worded, last: date | None) -> InstrumentOut:
    made = shown.definition
    return InstrumentOut(
        **_line(made, last).model_dump(),
        version=made.version,
        frame=made.frame,
        note=made.note,
        source=made.source,
        wording=shown.official or "own",
        items=[_item(item) for item in made.items],
    )


def _item(item: Item) -> ItemOut:
    return ItemOut(
        id=item.id,
        ask=item.ask,
        kind=item.kind.value,
        options=[OptionOut(value=option.value, label=option.label) for option in item.options],
        low=item.low,
        high=item.high,
        step=item.step,
        unit=item.unit,
        required=item.required,
    )


def _entry(entry: Entry) -> EntryOut:
    return EntryOut.model_validate(entry, from_attributes=True)
