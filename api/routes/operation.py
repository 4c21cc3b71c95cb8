"""The operator's side: what a campus fills in before it goes live, how the parts are, the synthetic crisis."""

from __future__ import annotations

from datetime import date, time
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import OperatorDep, PartsDep, StaffDep
from api.examine import Alarm, PartHealth, examine, standing_alarms
from tools.care.golive.readiness import Item, ProbeRun, read_probes, read_readiness
from tools.care.golive.rules import CampusRules, Hours, Responder, read_rules, write_rules
from tools.care.golive.signatures import Part, Signed, read_signatures, sign

router = APIRouter(prefix="/api/v1", tags=["operation"])
Line = Annotated[str, Field(max_length=200)]


class HoursIn(BaseModel):
    """When people of the campus look, in its own time zone; 0 is Monday."""

    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=7)]
    begins: time
    ends: time


class RulesIn(BaseModel):
    """What a campus writes down; empty where nothing is."""

    responder: Responder
    line_email: Line = ""
    line_phone: Line = ""
    hours: Annotated[list[HoursIn], Field(max_length=20)] = []
    escalation_email: Line = ""
    escalation_phone: Line = ""
    confidential_email: Line = ""
    lines_checked: dict[str, date] = {}


class RulesOut(BaseModel):
    """What is written down."""

    rules: CampusRules


class Changed(BaseModel):
    """What a writing changed; it stays on record with who did it."""

    fields: list[str]


class Readiness(BaseModel):
    """Whether the campus may go live, item by item."""

    items: list[Item]
    signatures: list[Signed]


class Signature(BaseModel):
    """A signature under a version that was read."""

    version: Line
    signed_as: Line


class HealthOut(BaseModel):
    """How the parts are."""

    parts: list[PartHealth]
    alarms: list[Alarm]
    probes: list[ProbeRun]


@router.get("/operation/readiness")
async def readiness(who: OperatorDep, parts: PartsDep) -> Readiness:
    """What is missing before the campus goes live."""
    async with parts.db.acting(who) as tx:
        return Readiness(
            items=list(await read_readiness(tx, at=parts.clock.now())), signatures=list(await read_signatures(tx))
        )


@router.get("/operation/rules")
async def rules(who: OperatorDep, parts: PartsDep) -> RulesOut:
    """Who answers around the clock, whom to call, when people look, which lines were checked."""
    async with parts.db.acting(who) as tx:
        return RulesOut(rules=await read_rules(tx))


@router.put("/operation/rules")
async def put_rules(body: RulesIn, who: OperatorDep, parts: PartsDep) -> Changed:
    """Write them down, replacing what was there."""
    given = body.model_dump()
    given["hours"] = tuple(Hours(tuple(shift.days), shift.begins, shift.ends) for shift in body.hours)
    given["lines_checked"] = MappingProxyType(body.lines_checked)
    async with parts.db.acting(who) as tx:
        return Changed(fields=list(await write_rules(tx, CampusRules(**given), at=parts.clock.now())))


@router.get("/operation/health")
async def health(who: OperatorDep, parts: PartsDep) -> HealthOut:
    """Every part, the alarms that stand, the last synthetic crises."""
    found = await examine(parts)
    alarms = await standing_alarms(parts, who)
    async with parts.db.acting(who) as tx:
        return HealthOut(parts=list(found), alarms=list(alarms), probes=list(await read_probes(tx)))


@router.post("/operation/signatures/law", status_code=201)
async def confirm_law(body: Signature, who: OperatorDep, parts: PartsDep) -> None:
    """Record that counsel confirmed the law of the region."""
    async with parts.db.acting(who) as tx:
        await sign(tx, Part.LAW, body.version, body.signed_as, at=parts.clock.now())


@router.get("/care/signatures")
async def signatures(who: StaffDep, parts: PartsDep) -> list[Signed]:
    """Which version of what is said and done is signed, and by whom."""
    async with parts.db.acting(who) as tx:
        return list(await read_signatures(tx))


@router.post("/care/signatures/{part}", status_code=201)
async def sign_part(part: Part, body: Signature, who: StaffDep, parts: PartsDep) -> None:
    """Sign a part as it was read. For supervisors."""
    async with parts.db.acting(who) as tx:
        await sign(tx, part, body.version, body.signed_as, at=parts.clock.now())
