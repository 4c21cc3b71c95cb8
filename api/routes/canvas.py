"""A student's Canvas: connect it, see how it stands, have it looked at, take it back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import PartsDep, StudentDep
from api.parts import Parts
from tools.academic.canvas import service
from tools.academic.canvas.desk import CanvasDesk
from tools.academic.canvas.statuses import CanvasStatus
from tools.academic.canvas.times import zone_of_student
from tools.people.consent import ConsentKind, consent_texts, give_consent, read_consent

router = APIRouter(prefix="/api/v1/academic/canvas", tags=["canvas"])
LONGEST = 2000


class AuthUrl(BaseModel):
    """Where the student says yes or no."""

    url: str


class Answer(BaseModel):
    """What Canvas sent an app back with: a code, or an error, and our `state` in both cases."""

    state: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    code: Annotated[str, Field(max_length=LONGEST)] | None = None
    error: Annotated[str, Field(max_length=LONGEST)] | None = None


class StatusOut(BaseModel):
    """How the connection stands. `text` is for the student; moments carry the student's own zone, never UTC."""

    state: str = Field(
        description="not_offered, not_connected, waiting, current, limited, busy, unreachable, incomplete,"
        " sign_in_again, set_up or trouble"
    )
    text: str
    connected: bool
    synced_at: datetime | None
    next_sync_at: datetime | None
    courses: int
    missing: int
    due_this_week: int


class ConsentOut(BaseModel):
    """What is asked before connecting, in the words that are agreed to."""

    version: str
    title: str
    text: list[str]
    may_give: bool = Field(description="whether the student is old enough and has said so")
    given_at: datetime | None = Field(description="in the student's own zone; none: not agreed")


class Agreed(BaseModel):
    """The version of the words that were read."""

    version: Annotated[str, Field(max_length=40)]


class Disconnected(BaseModel):
    """What became of the permission and of what was read."""

    text: str


def canvas_of(parts: Parts) -> CanvasDesk:
    """The campus's Canvas; raises `CanvasNotOffered` where there is none."""
    if parts.canvas is None:
        raise service.CanvasNotOffered
    return parts.canvas


def status_out(status: CanvasStatus) -> StatusOut:
    """A status as the interface gives it."""
    return StatusOut.model_validate(status, from_attributes=True)


@router.get("/consent")
async def read_consent_(who: StudentDep, parts: PartsDep) -> ConsentOut:
    """What the student is asked before connecting, and where they stand."""
    asked = consent_texts()[ConsentKind.CANVAS]
    async with parts.db.acting(who) as tx:
        standing, zone = await read_consent(tx, ConsentKind.CANVAS), await zone_of_student(tx, None)
    given = standing.given_at.astimezone(zone) if standing.given_at else None
    return ConsentOut(
        version=asked.version, title=asked.title, text=list(asked.text), may_give=standing.may_give, given_at=given
    )


@router.post("/consent")
async def agree(body: Agreed, who: StudentDep, parts: PartsDep) -> ConsentOut:
    """Agree to the words of a version; `disconnect` takes it back."""
    async with parts.db.acting(who) as tx:
        await give_consent(tx, ConsentKind.CANVAS, body.version, at=parts.clock.now())
    return await read_consent_(who, parts)


@router.get("/auth-url")
async def auth_url(
    who: StudentDep, parts: PartsDep, client: Annotated[Literal["browser", "app"], Query()] = "browser"
) -> AuthUrl:
    """The address to open, good for ten minutes and one answer; 409 `consent_needed` before the student agreed here."""
    await parts.limiter.hit("canvas_sign_in", str(who.account_id), "20/hour")
    return AuthUrl(url=await service.begin_sign_in(canvas_of(parts), who, app=client == "app"))


@router.post("/callback")
async def callback(body: Answer, who: StudentDep, parts: PartsDep) -> StatusOut:
    """Finish a sign-in from an app; browsers come to the same address with GET."""
    await parts.limiter.hit("canvas_sign_in", str(who.account_id), "20/hour")
    status = await service.finish_sign_in(
        canvas_of(parts), parts.jobs, who, state=body.state, code=body.code, error=body.error
    )
    return status_out(status)


@router.get("/status")
async def status(who: StudentDep, parts: PartsDep) -> StatusOut:
    """How the connection stands, in words a student can use."""
    return status_out(await service.read_status(parts.canvas, parts.db, who))


@router.post("/sync", status_code=202)
async def sync(who: StudentDep, parts: PartsDep) -> StatusOut:
    """Have Canvas looked at now; the worker does it, and `status` tells how it went."""
    await parts.limiter.hit("canvas_sync", str(who.account_id), "30/hour")
    return status_out(await service.ask_for_sync(canvas_of(parts), parts.jobs, who))


@router.post("/disconnect")
async def disconnect(who: StudentDep, parts: PartsDep) -> Disconnected:
    """Give the permission back, delete what was read, and end the consent."""
    return Disconnected(text=await service.disconnect(canvas_of(parts), who))
