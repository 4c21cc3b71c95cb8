"""The live queue."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web.console.rows import rows
from api.web.console.words import console_words
from api.web.rendering import render, unchanged
from api.web.session import PageStaff
from core.ids import CaseId
from db.access import Acting
from tools.care.queue import read_queue
from tools.care.shown import mark_shown

router = APIRouter(include_in_schema=False, prefix="/console")


@router.get("")
async def console(request: Request, who: PageStaff, parts: PartsDep) -> Response:
    """The queue; it keeps itself up to date."""
    return await _queue_page(request, "console.html", who, parts)


@router.get("/queue")
async def queue_part(
    request: Request, who: PageStaff, parts: PartsDep, seen: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """The queue alone, for the page that is open; nothing when it has not changed since."""
    response = await _queue_page(request, "parts/queue.html", who, parts)
    return unchanged(request) if response.headers["x-seen"] == seen else response


@router.post("/shown", status_code=204)
async def shown(who: PageStaff, parts: PartsDep, case: Annotated[list[UUID], Form(max_length=500)]) -> Response:
    """The open page says which cases it shows while somebody looks at it; see `tools.care.shown`."""
    async with parts.db.acting(who) as tx:
        await mark_shown(tx, [CaseId(one) for one in case], at=parts.clock.now())
    return Response(status_code=204)


async def _queue_page(request: Request, template: str, who: Acting, parts: Parts) -> Response:
    async with parts.db.acting(who) as tx:
        queue = await read_queue(tx, at=parts.clock.now())
    now = parts.clock.now()
    shown = rows(queue, who.account_id, now)
    seen = hashlib.sha256(
        repr([(row.entry, row.waiting, row.deadline, row.holder) for row in shown]).encode()
    ).hexdigest()[:16]
    response = render(request, template, queue=queue, rows=shown, words=console_words(), seen=seen)
    response.headers["x-seen"] = seen
    return response
