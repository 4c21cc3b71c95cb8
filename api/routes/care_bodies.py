"""What the counselor's routes take and give besides the case itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from safety.types import Severity
from tools.care.disclosure import ToldOutside
from tools.care.dossier import Judged, Quote
from tools.care.dossier.others import Noticed
from tools.care.outcomes import Outcome
from tools.care.queue import Colleague

Words = Annotated[str, Field(min_length=1, max_length=8000)]


class Message(BaseModel):
    """Words of a counselor to the student."""

    text: Words


class Note(BaseModel):
    """A note that stays with the case; the student's words are already there."""

    text: Words


class Shown(BaseModel):
    """The cases that stand on the screen."""

    cases: Annotated[list[UUID], Field(max_length=500)]


class Regrade(BaseModel):
    """A severity by a counselor's judgement."""

    severity: Severity
    reason: Annotated[str, Field(max_length=2000)] = Field("", description="Needed when the severity falls")


class Transfer(BaseModel):
    """Whom the case is offered to, and what they must know."""

    to: UUID
    note: Annotated[str, Field(max_length=8000)] = ""


class TakeOver(BaseModel):
    """Why a supervisor takes the case from whoever has it; they read it."""

    reason: Words


class FollowUp(BaseModel):
    """When a person looks again."""

    at: AwareDatetime


class Disclosure(BaseModel):
    """Who outside was told, and on what basis a person decided so."""

    threat: Words
    told: Annotated[list[ToldOutside], Field(min_length=1)]


class Close(BaseModel):
    """How the case ended."""

    outcome: Outcome
    note: Annotated[str, Field(max_length=8000)] = ""


class Done(BaseModel):
    """The case after an act."""

    id: UUID
    status: str
    severity: Severity
    claimed_by: UUID | None


class Closed(Done):
    """The case after it was closed."""

    conversation_deleted: bool = Field(description="The student had asked for it; it waited for this case")


class TranscriptOut(BaseModel):
    """The whole conversation, oldest first."""

    items: list[Quote]


class EvidenceOut(BaseModel):
    """Why it was flagged, and each notice that went out."""

    items: list[Judged]
    notices: list[Noticed]


class ColleagueList(BaseModel):
    """Staff of the institution."""

    items: list[Colleague]
