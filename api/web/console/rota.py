"""The on-call schedule: everybody on duty reads it and keeps their own number, supervisors plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web import times
from api.web.console.words import console_words
from api.web.rendering import go, render
from api.web.session import PageStaff
from core.errors import CompanionError, InvalidInput
from core.ids import AccountId
from db.access import Acting, Tx
from safety.policy import Rung
from tools.care.coverage import Span, gaps, weekly
from tools.care.queue import Colleague, colleagues
from tools.care.rota import RUNGS, add_duty, read_phone, read_rota, remove_duty, set_phone
from tools.people.people import Profile, read_profile

router = APIRouter(include_in_schema=False, prefix="/console/rota")
Line = Annotated[str, Form(max_length=100)]
AHEAD = timedelta(days=14)
MOST_WEEKS = 26
Act = Callable[[Tx], Awaitable[object]]


@router.get("")
async def rota(request: Request, who: PageStaff, parts: PartsDep) -> Response:
    """Who is on call, where nobody is, and one's own number."""
    return await _page(request, who, parts)


@router.post("/duties")
async def plan(
    request: Request,
    who: PageStaff,
    parts: PartsDep,
    account: Line = "",
    rung: Line = "",
    starts: Line = "",
    ends: Line = "",
    weeks: Line = "0",
) -> Response:
    """Put somebody on call, and the same in the weeks after. For supervisors."""

    async def act(tx: Tx) -> None:
        zone = times.zone_of((await read_profile(tx, who.account_id)).time_zone)
        try:
            person, on = AccountId(UUID(account)), Rung(rung)
            begin, end = (datetime.fromisoformat(moment).replace(tzinfo=zone) for moment in (starts, ends))
            more = int(weeks or "0")
        except ValueError as error:
            raise InvalidInput("Choose a person, a rung, a beginning and an end.") from error
        if not 0 <= more <= MOST_WEEKS:
            raise InvalidInput(f"Repeat it for up to {MOST_WEEKS} weeks.")
        for span in weekly(begin, end, more, zone):
            await add_duty(tx, person, on, span.starts_at, span.ends_at)

    return await _do(request, who, parts, act)


@router.post("/duties/{duty_id}/remove")
async def unplan(request: Request, duty_id: UUID, who: PageStaff, parts: PartsDep) -> Response:
    """Take a duty out of the schedule. For supervisors."""
    return await _do(request, who, parts, lambda tx: remove_duty(tx, duty_id))


@router.post("/phone")
async def phone(request: Request, who: PageStaff, parts: PartsDep, phone: Line = "") -> Response:
    """One's own number for text messages; empty removes it."""
    return await _do(request, who, parts, lambda tx: set_phone(tx, phone.strip() or None, at=parts.clock.now()))


async def _do(request: Request, who: Acting, parts: Parts, act: Act) -> Response:
    try:
        async with parts.db.acting(who) as tx:
            await act(tx)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return go(request, "/console/rota")


async def _page(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        duties = await read_rota(tx, since=now)
        me = await read_profile(tx, who.account_id)
        everybody = [_myself(who, me), *await colleagues(tx)]
        number = await read_phone(tx)
    on_call = [Span(duty.starts_at, duty.ends_at) for duty in duties if duty.rung is Rung.ON_CALL]
    return render(
        request,
        "rota.html",
        status,
        duties=duties,
        holes=gaps(on_call, since=now, until=now + AHEAD),
        ahead=AHEAD.days,
        people=everybody,
        rungs=RUNGS,
        number=number or "",
        trouble=trouble,
        words=console_words(),
        zone=me.time_zone,
        now=now,
    )


def _myself(who: Acting, me: Profile) -> Colleague:
    return Colleague(who.account_id, f"{me.name} (you)", who.role.value)
