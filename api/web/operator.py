"""The operator's page: what a campus fills in before it goes live, how the parts are, whether the test crisis arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, time
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.datastructures import FormData

from api.deps import PartsDep, acting_operator
from api.examine import examine, standing_alarms
from api.parts import Parts
from api.web.console.words import console_words
from api.web.rendering import go, render
from api.web.session import AccountDep
from core.errors import CompanionError, InvalidInput, Unavailable
from core.ids import AccountId
from db.access import Acting, Tx
from tools.care.golive.readiness import read_lines, read_probes, read_readiness
from tools.care.golive.rules import CampusRules, Hours, Responder, read_rules, write_rules
from tools.care.golive.signatures import Part, read_signatures, sign
from tools.care.rota import read_members, set_confidential
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False, prefix="/operator")
Line = Annotated[str, Form(max_length=200)]
SHIFTS = 4
"""Rows for hours that the form offers."""
OUTBOX = """
select recipient, subject, body, created_at from outbox where institution_id = %s order by created_at desc limit 20
"""
Act = Callable[[Tx], Awaitable[object]]


def page_operator(who: AccountDep) -> Acting:
    """The signed-in operator; raises `NotAllowed` for others."""
    return acting_operator(who)


PageOperator = Annotated[Acting, Depends(page_operator)]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the local outbox."""

    to: str
    subject: str
    body: str
    at: object


@router.get("")
async def operator(request: Request, who: PageOperator, parts: PartsDep) -> Response:
    """Everything an operator must know, and the forms to complete it."""
    return await _page(request, who, parts)


@router.post("/rules")
async def rules(request: Request, who: PageOperator, parts: PartsDep) -> Response:
    """Write down who answers, whom to call and when people look."""
    form = await request.form()

    async def act(tx: Tx) -> None:
        kept = await read_rules(tx)
        await write_rules(tx, _rules(form, kept), at=parts.clock.now())

    return await _do(request, who, parts, act, "rules")


@router.post("/lines")
async def lines(
    request: Request, who: PageOperator, parts: PartsDep, checked: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Note which lines were called today and answered."""

    async def act(tx: Tx) -> None:
        kept = await read_rules(tx)
        today = parts.clock.now().date()
        known = {line.resource.id for line in await read_lines(tx, kept, at=parts.clock.now())}
        new = {name: today for name in checked or () if name in known}
        if not new:
            raise InvalidInput("Choose the lines that you called.")
        both: dict[str, date] = {**kept.lines_checked, **new}
        await write_rules(tx, replace(kept, lines_checked=MappingProxyType(both)), at=parts.clock.now())

    return await _do(request, who, parts, act, "lines")


@router.post("/law")
async def law(
    request: Request, who: PageOperator, parts: PartsDep, version: Line = "", signed_as: Line = ""
) -> Response:
    """Record that counsel confirmed the law of the region."""
    return await _do(
        request, who, parts, lambda tx: sign(tx, Part.LAW, version, signed_as, at=parts.clock.now()), "law"
    )


@router.post("/staff/{account_id}")
async def staff(
    request: Request, account_id: UUID, who: PageOperator, parts: PartsDep, confidential: Line = ""
) -> Response:
    """Say whether a member of staff is confidential."""
    return await _do(
        request,
        who,
        parts,
        lambda tx: set_confidential(tx, AccountId(account_id), confidential == "yes"),
        "staff",
    )


async def _do(request: Request, who: Acting, parts: Parts, act: Act, place: str) -> Response:
    try:
        async with parts.db.acting(who) as tx:
            await act(tx)
    except CompanionError as error:
        return await _page(request, who, parts, trouble=error.message, status=error.status)
    return go(request, f"/operator#{place}")


async def _page(request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200) -> Response:
    now = parts.clock.now()
    health = await examine(parts)
    try:
        async with parts.db.acting(who) as tx:
            written = await read_rules(tx)
            campus = {
                "rules": written,
                "items": await read_readiness(tx, at=now),
                "lines": await read_lines(tx, written, at=now),
                "signed": await read_signatures(tx),
                "members": await read_members(tx),
                "probes": await read_probes(tx),
                "mails": [
                    Mail(*row) for row in await (await tx.conn.execute(OUTBOX, (who.institution_id,))).fetchall()
                ],
                "zone": (await read_profile(tx, who.account_id)).time_zone,
            }
        campus["alarms"] = await standing_alarms(parts, who)
    except Unavailable:
        # The page is for when something is down, too: the parts are shown, the rest waits.
        return render(request, "operator_down.html", 503, health=health, words=console_words(), now=now)
    return render(
        request,
        "operator.html",
        status,
        health=health,
        trouble=trouble,
        responders=list(Responder)[:-1],
        shifts=_rows(written),
        words=console_words(),
        now=now,
        **campus,
    )


def _rows(written: CampusRules) -> list[Hours | None]:
    """The hours that are written down, and empty rows up to what the form offers."""
    return [*written.hours, *[None] * max(1, SHIFTS - len(written.hours))]


def _rules(form: FormData, kept: CampusRules) -> CampusRules:
    """Read the form; raises `InvalidInput`. What it does not show is kept."""

    def line(name: str) -> str:
        return str(form.get(name) or "").strip()

    try:
        responder = Responder(line("responder"))
        hours = tuple(
            Hours(
                tuple(sorted({int(str(day)) for day in form.getlist(f"days{row}")} & set(range(7)))),
                time.fromisoformat(line(f"from{row}")),
                time.fromisoformat(line(f"to{row}")),
            )
            for row in range(SHIFTS + len(kept.hours))
            if line(f"from{row}") or line(f"to{row}") or form.getlist(f"days{row}")
        )
    except ValueError as error:
        raise InvalidInput("Choose who answers, and write hours with days, a beginning and an end.") from error
    return CampusRules(
        responder=responder,
        line_email=line("line_email"),
        line_phone=line("line_phone"),
        hours=hours,
        escalation_email=line("escalation_email"),
        escalation_phone=line("escalation_phone"),
        confidential_email=line("confidential_email"),
        lines_checked=kept.lines_checked,
    )
