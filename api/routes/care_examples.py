"""What screening got wrong: a counselor keeps it as an example, with the student's consent."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PartsDep, StaffDep, StudentDep
from core.ids import CaseId
from safety.types import Category, Severity
from tools.care.examples.keeping import Candidate, ExampleKind, keep_example, misread_candidates, miss_candidate
from tools.people.consent import Consent, ConsentKind, consent_texts, give_consent, read_consent, withdraw_consent

router = APIRouter(prefix="/api/v1", tags=["care"])
Line = Annotated[str, Field(max_length=8000)]


class Candidates(BaseModel):
    """Messages that may be kept, masked; the counselor reads them first."""

    items: list[Candidate]


class ExampleIn(BaseModel):
    """A message as the counselor has read it."""

    message_id: UUID
    kind: ExampleKind
    lines: Annotated[list[Line], Field(min_length=1, max_length=4)]
    category: Category = Field(Category.NONE, description="What a miss was about")
    severity: Severity = Field(Severity.NONE, description="How bad a miss was")


class ExampleOut(BaseModel):
    """The example that was kept."""

    id: UUID


class Agreement(BaseModel):
    """The words that are agreed to, and where the student stands."""

    title: str
    text: list[str]
    current_version: str
    standing: Consent


class AgreementIn(BaseModel):
    """A yes to the words of a version."""

    version: Annotated[str, Field(max_length=40)]


@router.get("/care/cases/{case_id}/examples")
async def candidates(case_id: UUID, who: StaffDep, parts: PartsDep, message: UUID | None = None) -> Candidates:
    """The flagged messages of the case, or one that was not flagged, masked. 409 without the student's consent."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        if message is not None:
            return Candidates(items=[await miss_candidate(tx, CaseId(case_id), message, at=now)])
        return Candidates(items=list(await misread_candidates(tx, CaseId(case_id), at=now)))


@router.post("/care/cases/{case_id}/examples", status_code=201)
async def keep(case_id: UUID, body: ExampleIn, who: StaffDep, parts: PartsDep) -> ExampleOut:
    """Keep a message that screening got wrong. 409 without the student's consent; 422 while something may still tell."""
    async with parts.db.acting(who) as tx:
        example = await keep_example(
            tx,
            CaseId(case_id),
            body.message_id,
            body.kind,
            body.lines,
            category=body.category,
            severity=body.severity,
            at=parts.clock.now(),
        )
    return ExampleOut(id=example)


@router.get("/consents/{kind}")
async def consent(kind: ConsentKind, who: StudentDep, parts: PartsDep) -> Agreement:
    """What the student is asked, and whether they agree; nothing is agreed by default."""
    words = consent_texts()[kind]
    async with parts.db.acting(who) as tx:
        standing = await read_consent(tx, kind)
    return Agreement(title=words.title, text=list(words.text), current_version=words.version, standing=standing)


@router.put("/consents/{kind}", status_code=204)
async def agree(kind: ConsentKind, body: AgreementIn, who: StudentDep, parts: PartsDep) -> None:
    """Agree to the words of a version."""
    async with parts.db.acting(who) as tx:
        await give_consent(tx, kind, body.version, at=parts.clock.now())


@router.delete("/consents/{kind}", status_code=204)
async def take_back(kind: ConsentKind, who: StudentDep, parts: PartsDep) -> None:
    """Take it back; what was kept with it is deleted."""
    async with parts.db.acting(who) as tx:
        await withdraw_consent(tx, kind, at=parts.clock.now())
