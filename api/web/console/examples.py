"""Pages on which a counselor keeps what screening got wrong; the student agreed, and the counselor reads it first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from starlette.datastructures import FormData

from api.web.console.on_case import OnCase, OnCaseDep
from api.web.rendering import go, render
from conversations import live
from core.errors import CompanionError, InvalidInput
from db.access import Tx
from safety.types import Category, Severity
from tools.care.examples.keeping import (
    Candidate,
    ExampleKind,
    StillTelling,
    keep_example,
    misread_candidates,
    miss_candidate,
)
from tools.care.facts import require_mine
from tools.care.outcomes import Outcome
from tools.people.consent import ConsentKind, has_consented

router = APIRouter(include_in_schema=False, prefix="/console/cases/{case_id}")
Words = Annotated[str, Form(max_length=8000)]
UNREAD = "Read the words and say so, or leave them out."


async def offers_examples(on: OnCase, tx: Tx) -> Sequence[Candidate]:
    """Messages of a misread that may be kept; none without the student's consent."""
    facts = await require_mine(tx, on.case)
    if facts.status == "live" or not await has_consented(tx, facts.student_id, ConsentKind.EXAMPLES):
        return ()
    return await misread_candidates(tx, on.case, at=on.now)


async def example_page(
    on: OnCase, kind: ExampleKind, items: Sequence[Candidate], *, note: str = "", trouble: str = "", status: int = 200
) -> Response:
    """The form: masked words to read and change, beside what may be said about them."""
    async with on.parts.db.acting(on.who) as tx:
        shown = await on.shown(tx)
    return render(
        on.request,
        "example.html",
        status,
        kind=kind.value,
        items=items,
        note=note,
        trouble=trouble,
        categories=list(Category)[1:],
        severities=list(Severity)[1:],
        **shown,
    )


@router.post("/misread")
async def misread(on: OnCaseDep, text: Words = "") -> Response:
    """Close the case as a misread, with or without keeping its messages."""
    form = await on.request.form()
    async with on.parts.db.acting(on.who) as tx:
        items = await offers_examples(on, tx)
    return await _keep(on, ExampleKind.MISREAD, items, form, note=text)


@router.get("/miss/{message}")
async def miss_form(on: OnCaseDep, message: UUID) -> Response:
    """One message that should have been flagged, masked."""
    try:
        async with on.parts.db.acting(on.who) as tx:
            item = await miss_candidate(tx, on.case, message, at=on.now)
    except CompanionError as error:
        return await on.page(trouble=error.message, status=error.status)
    return await example_page(on, ExampleKind.MISS, (item,))


@router.post("/miss/{message}")
async def miss(on: OnCaseDep, message: UUID) -> Response:
    """Keep it, with what it was about."""
    form = await on.request.form()
    try:
        async with on.parts.db.acting(on.who) as tx:
            item = await miss_candidate(tx, on.case, message, at=on.now)
    except CompanionError as error:
        return await on.page(trouble=error.message, status=error.status)
    return await _keep(on, ExampleKind.MISS, (item,), form)


async def _keep(
    on: OnCase, kind: ExampleKind, items: Sequence[Candidate], form: FormData, *, note: str = ""
) -> Response:
    """Keep what was chosen and, for a misread, close the case with it; what is refused comes back as it was written."""
    chosen = set(form.getlist("keep")) if form.get("then") == "keep" else set()
    written = [_as_written(item, form) for item in items]
    try:
        async with on.parts.db.acting(on.who) as tx:
            for item in (one for one in written if str(one.message_id) in chosen):
                if not form.get("read"):
                    raise InvalidInput(UNREAD)
                await _keep_one(on, tx, kind, item, form)
            if kind is ExampleKind.MISREAD:
                await live.close(tx, on.case, Outcome.MISREAD, note, at=on.now)
    except StillTelling as error:
        again = [replace(item, lines=error.lines) if item.lines == error.given else item for item in written]
        return await example_page(on, kind, again, note=note, trouble=error.message, status=error.status)
    except CompanionError as error:
        return await example_page(on, kind, written, note=note, trouble=error.message, status=error.status)
    return go(on.request, "/console" if kind is ExampleKind.MISREAD else f"/console/cases/{on.case}")


async def _keep_one(on: OnCase, tx: Tx, kind: ExampleKind, item: Candidate, form: FormData) -> None:
    category, severity = str(form.get("category") or "none"), str(form.get("severity") or "none")
    if category not in list(Category) or severity not in list(Severity):
        raise InvalidInput("Say what it is about and how bad it is.")
    await keep_example(
        tx,
        on.case,
        item.message_id,
        kind,
        item.lines,
        category=Category(category),
        severity=Severity(severity),
        at=on.now,
    )


def _as_written(item: Candidate, form: FormData) -> Candidate:
    """The candidate with the counselor's changes."""
    lines = [form.get(f"line-{item.message_id}-{number}") for number in range(len(item.lines))]
    changed = tuple(
        line.strip().replace("\r\n", "\n") if isinstance(line, str) else before
        for line, before in zip(lines, item.lines, strict=True)
    )
    return replace(item, lines=changed)
