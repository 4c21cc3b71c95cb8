"""Who is on call, and how staff are reached."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from api.deps import ActingDep, PartsDep, StaffDep
from core.ids import AccountId
from safety.policy import Rung
from tools.care.rota import Duty, add_duty, read_rota, remove_duty, set_confidential, set_phone

router = APIRouter(prefix="/api/v1/care", tags=["care"])


class DutyIn(BaseModel):
    """Somebody on call from a moment to another."""

    account_id: UUID
    rung: Rung
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class DutyOut(BaseModel):
    """The id of a duty."""

    id: UUID


class Rota(BaseModel):
    """Duties in order."""

    items: list[Duty]


class Phone(BaseModel):
    """A number for text messages, with its country code; null removes it."""

    phone: Annotated[str, Field(max_length=20)] | None


class Confidential(BaseModel):
    """Whether a member of staff is confidential."""

    confidential: bool


@router.get("/on-call")
async def rota(who: StaffDep, parts: PartsDep) -> Rota:
    """The schedule from now on."""
    async with parts.db.acting(who) as tx:
        return Rota(items=await read_rota(tx, since=parts.clock.now()))


@router.post("/on-call", status_code=201)
async def plan(body: DutyIn, who: StaffDep, parts: PartsDep) -> DutyOut:
    """Put somebody on call. For supervisors."""
    async with parts.db.acting(who) as tx:
        return DutyOut(id=await add_duty(tx, AccountId(body.account_id), body.rung, body.starts_at, body.ends_at))


@router.delete("/on-call/{duty_id}", status_code=204)
async def unplan(duty_id: UUID, who: StaffDep, parts: PartsDep) -> None:
    """Take a duty out of the schedule. For supervisors."""
    async with parts.db.acting(who) as tx:
        await remove_duty(tx, duty_id)


@router.put("/phone", status_code=204)
async def phone(body: Phone, who: StaffDep, parts: PartsDep) -> None:
    """One's own number for text messages."""
    async with parts.db.acting(who) as tx:
        await set_phone(tx, body.phone, at=parts.clock.now())


@router.put("/staff/{account_id}/confidential", status_code=204)
async def confidential(account_id: UUID, body: Confidential, who: ActingDep, parts: PartsDep) -> None:
    """Who is confidential staff. For the operator."""
    async with parts.db.acting(who) as tx:
        await set_confidential(tx, AccountId(account_id), body.confidential)
