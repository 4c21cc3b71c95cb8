"""Forms for what is the student's own: the safety plan to write, and how the companion is to be with them."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from api.deps import PartsDep
from api.parts import Parts
from api.routes.wellness import PlanIn
from api.web.rendering import go, render
from api.web.session import PageStudent
from core.errors import CompanionError
from db.access import Acting
from tools.care.plan import SafetyPlan, read_plan, save_plan
from tools.people.companion import CompanionSettings, choices, read_settings, save_settings
from tools.people.keys import student_key

router = APIRouter(include_in_schema=False)
STEPS = tuple(PlanIn.model_fields)
Word = Annotated[str, Form(max_length=20)]


@router.get("/plan/write")
async def plan_form(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """The six steps as a form."""
    async with parts.db.acting(who) as tx:
        plan = await read_plan(tx, await student_key(tx)) or SafetyPlan()
    return render(request, "plan_write.html", lines={name: getattr(plan, name) for name in STEPS}, trouble="")


@router.post("/plan/write")
async def write_plan(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Store the plan, replacing the earlier one."""
    form = await request.form()
    lines = {name: [line.strip() for line in str(form.get(name) or "").splitlines() if line.strip()] for name in STEPS}
    try:
        written = PlanIn(**lines)
    except ValidationError:
        trouble = "A step holds at most 20 lines of 300 characters. Shorten it and save again."
        return render(request, "plan_write.html", 422, lines=lines, trouble=trouble)
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        await save_plan(tx, await student_key(tx), SafetyPlan.from_lines(written.model_dump()), at=now)
    return go(request, "/plan")


@router.get("/yours/companion")
async def companion(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """The student's choices."""
    return await _companion(request, who, parts)


@router.post("/yours/companion")
async def choose(
    request: Request,
    who: PageStudent,
    parts: PartsDep,
    approaches: Annotated[list[str] | None, Form()] = None,
    tone: Word = "",
    length: Word = "",
    quiet_from: Word = "",
    quiet_to: Word = "",
) -> Response:
    """Change them."""
    try:
        begins, ends = time.fromisoformat(quiet_from), time.fromisoformat(quiet_to)
    except ValueError:
        return await _companion(request, who, parts, trouble="Quiet hours are times such as 22:00.", status=422)
    chosen = CompanionSettings(tuple(approaches or ()), tone, length, begins, ends)
    try:
        async with parts.db.acting(who) as tx:
            await save_settings(tx, await student_key(tx), chosen, at=parts.clock.now())
    except CompanionError as error:
        return await _companion(request, who, parts, trouble=error.message, status=error.status)
    return await _companion(request, who, parts, saved=True)


async def _companion(
    request: Request, who: Acting, parts: Parts, *, trouble: str = "", status: int = 200, saved: bool = False
) -> Response:
    async with parts.db.acting(who) as tx:
        chosen = await read_settings(tx, await student_key(tx))
    return render(request, "companion.html", status, chosen=chosen, offered=choices(), trouble=trouble, saved=saved)
