"""One case: how it is read, and what a counselor does to it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.deps import PartsDep, StaffDep
from api.parts import Parts
from api.routes.care_bodies import (
    Close,
    Closed,
    Disclosure,
    Done,
    EvidenceOut,
    FollowUp,
    Message,
    Note,
    Regrade,
    TakeOver,
    TranscriptOut,
    Transfer,
)
from conversations import live
from core.ids import AccountId, CaseId
from db.access import Acting
from tools.care import acts
from tools.care.caring import plan_caring
from tools.care.disclosure import record_disclosure
from tools.care.dossier import (
    DispatchSheet,
    Dossier,
    open_dispatch,
    open_dossier,
    open_evidence,
    open_transcript,
)
from tools.care.dossier.others import read_notices
from tools.care.facts import read_case

router = APIRouter(prefix="/api/v1/care/cases/{case_id}", tags=["care"])


@router.get("")
async def case(case_id: UUID, who: StaffDep, parts: PartsDep) -> Dossier:
    """The case for the first sixty seconds. Opening it is a stored fact that the student is told and can look up."""
    async with parts.db.acting(who) as tx:
        return await open_dossier(tx, CaseId(case_id), at=parts.clock.now())


@router.get("/transcript")
async def transcript(case_id: UUID, who: StaffDep, parts: PartsDep) -> TranscriptOut:
    """The whole conversation; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        return TranscriptOut(items=list(await open_transcript(tx, CaseId(case_id), at=parts.clock.now())))


@router.get("/evidence")
async def evidence(case_id: UUID, who: StaffDep, parts: PartsDep) -> EvidenceOut:
    """Rules, scores and each notice; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        judged = await open_evidence(tx, CaseId(case_id), at=parts.clock.now())
        return EvidenceOut(items=list(judged), notices=list(await read_notices(tx, CaseId(case_id))))


@router.get("/dispatch")
async def dispatch(case_id: UUID, who: StaffDep, parts: PartsDep) -> DispatchSheet:
    """What a dispatcher asks, and no more; a look of its own in the student's list."""
    async with parts.db.acting(who) as tx:
        return await open_dispatch(tx, CaseId(case_id), at=parts.clock.now())


@router.post("/claim")
async def claim(case_id: UUID, who: StaffDep, parts: PartsDep) -> Done:
    """Take the case on; the second to try gets 409."""
    async with parts.db.acting(who) as tx:
        await acts.claim(tx, CaseId(case_id), at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/release")
async def release(case_id: UUID, who: StaffDep, parts: PartsDep) -> Done:
    """Give the case back; people are called anew."""
    async with parts.db.acting(who) as tx:
        await acts.release(tx, parts.jobs, CaseId(case_id), at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/typing", status_code=204)
async def typing(case_id: UUID, who: StaffDep, parts: PartsDep) -> None:
    """Say every few seconds that one is typing; the student sees it as long as it is true."""
    async with parts.db.acting(who) as tx:
        await acts.set_writing(tx, CaseId(case_id), at=parts.clock.now())


@router.post("/reply")
async def reply(case_id: UUID, body: Message, who: StaffDep, parts: PartsDep) -> Done:
    """Write to the student as a person; the companion is silent from then on."""
    async with parts.db.acting(who) as tx:
        await live.reply(tx, parts.jobs, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/hand-back")
async def hand_back(case_id: UUID, body: Message, who: StaffDep, parts: PartsDep) -> Done:
    """Hand the conversation back to the companion, with a message."""
    async with parts.db.acting(who) as tx:
        await live.give_back(tx, parts.jobs, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/notes", status_code=201)
async def note(case_id: UUID, body: Note, who: StaffDep, parts: PartsDep) -> Done:
    """Keep a note with the case."""
    async with parts.db.acting(who) as tx:
        await acts.add_note(tx, CaseId(case_id), body.text, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/severity")
async def severity(case_id: UUID, body: Regrade, who: StaffDep, parts: PartsDep) -> Done:
    """Set the severity; it falls only here, with a reason."""
    async with parts.db.acting(who) as tx:
        await live.regrade(tx, CaseId(case_id), body.severity, body.reason, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/transfer")
async def transfer(case_id: UUID, body: Transfer, who: StaffDep, parts: PartsDep) -> Done:
    """Offer the case to a colleague; it stays until they claim it."""
    async with parts.db.acting(who) as tx:
        await acts.transfer(tx, parts.jobs, CaseId(case_id), AccountId(body.to), body.note, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/take-over")
async def take_over(case_id: UUID, body: TakeOver, who: StaffDep, parts: PartsDep) -> Done:
    """Take the case from a colleague who has gone, with a reason. For supervisors."""
    async with parts.db.acting(who) as tx:
        await acts.take_over(tx, CaseId(case_id), body.reason, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/follow-up")
async def follow_up(case_id: UUID, body: FollowUp, who: StaffDep, parts: PartsDep) -> Done:
    """Plan when a person looks again."""
    async with parts.db.acting(who) as tx:
        await acts.plan_follow_up(tx, CaseId(case_id), body.at, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/caring")
async def caring(case_id: UUID, who: StaffDep, parts: PartsDep) -> Done:
    """Plan short notes that ask for nothing, in the months after; the student can switch them off."""
    async with parts.db.acting(who) as tx:
        await plan_caring(tx, CaseId(case_id), at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/disclosures", status_code=201)
async def disclose(case_id: UUID, body: Disclosure, who: StaffDep, parts: PartsDep) -> Done:
    """Record whom a person decided to tell outside, and why; nothing is sent by this."""
    async with parts.db.acting(who) as tx:
        await record_disclosure(tx, CaseId(case_id), body.threat, body.told, at=parts.clock.now())
    return await _done(parts, who, case_id)


@router.post("/close")
async def close(case_id: UUID, body: Close, who: StaffDep, parts: PartsDep) -> Closed:
    """Close the case with an outcome; a deletion that waited for it happens now."""
    async with parts.db.acting(who) as tx:
        deleted = await live.close(tx, CaseId(case_id), body.outcome, body.note, at=parts.clock.now())
    done = await _done(parts, who, case_id)
    return Closed(**done.model_dump(), conversation_deleted=deleted)


async def _done(parts: Parts, who: Acting, case_id: UUID) -> Done:
    async with parts.db.acting(who) as tx:
        facts = await read_case(tx, CaseId(case_id))
    return Done(id=facts.id, status=facts.status, severity=facts.severity, claimed_by=facts.claimed_by)
