"""Help that is one tap away: the lines, and 'I need a person now'."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from api.parts import Parts
from api.routes.answered import AnsweredOut
from conversations.crisis_events import resource_payload
from core.errors import Unavailable
from core.ids import ConversationId, new_id
from core.logs import get_logger
from db.access import Acting
from safety.resources import Audience, resources_for
from safety.script import delivery_status
from tools.care.plan import read_plan
from tools.care.staffing import Staffing, staffing
from tools.people.keys import student_key
from tools.people.people import read_profile

router = APIRouter(prefix="/api/v1/wellness/crisis", tags=["help"])
log = get_logger("api.crisis")
KEPT = 202
CAMPUS = "select settings, time_zone from institutions where id = %s"


class ResourcesOut(BaseModel):
    """Who can be reached, here and now."""

    region: str | None = Field(description="null: not known, so the international finder is shown")
    items: list[dict[str, Any]]
    has_plan: bool | None = Field(description="Whether the student has a safety plan; null while that cannot be read")
    staffed_now: bool | None = Field(description="Whether somebody of the campus looks now; null as above")
    next_staffed: datetime | None
    as_of: datetime


class AlertIn(BaseModel):
    """'I need a person now', with or without words."""

    text: str | None = Field(None, description="What the student wants to say; it is heard like a message")


class AlertOut(AnsweredOut):
    """What happens now."""

    status: str = Field(description="True facts of delivery in words; empty while there are none")


@router.get("/resources")
async def resources(
    who: StudentDep,
    parts: PartsDep,
    audience: Annotated[list[Audience], Query(default_factory=list)],
    region: Annotated[str | None, Query(pattern=r"^[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?$")] = None,
) -> ResourcesOut:
    """Lines of the student's region, or of the one they are in now. They are shown without the database as well."""
    now = parts.clock.now()
    try:
        home, language, has_plan, staff = await _known(who, parts, now)
    except Unavailable:
        log.warning("lines_without_profile")
        home, language, has_plan, staff = None, "en", None, None
    here = region or home
    return ResourcesOut(
        region=here,
        items=[resource_payload(entry) for entry in resources_for(here, language[:2], audience)],
        has_plan=has_plan,
        staffed_now=staff.now if staff else None,
        next_staffed=staff.next_at if staff else None,
        as_of=now,
    )


@router.post("/alert", status_code=201)
async def alert(
    body: AlertIn,
    who: StudentDep,
    parts: PartsDep,
    response: Response,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)] = None,
) -> AlertOut:
    """Tell people now because the student asks. It is never refused, limited or decided by a model."""
    key = key or str(new_id())
    if body.text:
        try:
            await parts.beside.hear(who, body.text, key=f"alert:{key}")
        except Unavailable:
            log.warning("alert_words_not_stored")  # They were clear; people are told all the same.
    answered = await parts.beside.ask_for_person(who, key=key)
    if answered.path == "kept":
        response.status_code = KEPT
    return AlertOut(
        conversation_id=answered.conversation,
        path=answered.path,
        crisis=answered.crisis,
        status=await _status(who, parts, answered.conversation),
    )


async def _status(who: Acting, parts: Parts, conversation: ConversationId) -> str:
    found = await parts.conversations.status(who, conversation)
    return delivery_status(found.delivery, zone=found.zone, language=found.language) if found.delivery else ""


async def _known(who: Acting, parts: Parts, now: datetime) -> tuple[str | None, str, bool, Staffing]:
    async with parts.db.acting(who) as tx:
        profile = await read_profile(tx, who.account_id)
        plan = await read_plan(tx, await student_key(tx))
        row = await (await tx.conn.execute(CAMPUS, (who.institution_id,))).fetchone()
    settings, zone = row or ({}, "UTC")
    return profile.region, profile.language, plan is not None, staffing(settings, zone, now)
