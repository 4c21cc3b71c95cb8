"""The dispatch sheet: what an emergency dispatcher asks, and no more. Opening it is a look of its own.

Whether anybody is told is a named person's decision; `tools.care.disclosure` keeps the record of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.ids import CaseId
from db.access import Tx
from safety.resources import Resource, emergency_for, poison_for
from tools.care.access import Seen
from tools.care.dossier.answered import answered
from tools.care.dossier.conversation import Presence, read_conversation
from tools.care.dossier.glance import Glance, glance
from tools.care.dossier.history import read_history
from tools.care.dossier.looks import look
from tools.care.dossier.others import ToldOf, told_outside
from tools.care.dossier.reach import CallBack, Place, call_back, place
from tools.care.facts import CaseFacts, beside
from tools.care.queue import colleague_name
from tools.care.terms import MyTerms, read_terms
from tools.people.people import Profile, read_profile, require_staff


@dataclass(frozen=True, slots=True)
class DispatchSheet:
    """One page to read out on the telephone."""

    case: CaseFacts
    student: Profile
    minor: bool
    call_back: CallBack | None
    place: Place | None
    presence: Presence
    danger: tuple[Glance, ...]
    terms: MyTerms | None
    """Whom never to call, and what they want of hospital and police, come from here."""
    emergency: Resource | None
    """The number of the region where the student says they are; None where it is not known."""
    poison: Resource | None
    asking: str
    """Who holds the sheet."""
    told: tuple[ToldOf, ...]


async def open_dispatch(tx: Tx, case: CaseId, *, at: datetime) -> DispatchSheet:
    """Return the sheet of a case; stored as a look of its own. Raises `NotFound`."""
    facts, key = await look(tx, case, Seen.DISPATCH, at=at)
    profile = await read_profile(tx, facts.student_id)
    conversation = await read_conversation(tx, key, facts.conversation_id, at=at)
    history = await read_history(tx, key, case)
    answers = answered(history, conversation.triage, profile.language, profile.time_zone)
    terms = await read_terms(beside(tx, facts.student_id), key)
    region = conversation.triage.region if conversation.triage else profile.region
    return DispatchSheet(
        case=facts,
        student=profile,
        minor=profile.minor,
        call_back=call_back(answers, terms),
        place=place(answers),
        presence=conversation.presence,
        danger=tuple(part for part in glance(answers) if part.said),
        terms=terms,
        emergency=emergency_for(region),
        poison=poison_for(region),
        asking=await colleague_name(tx, require_staff(tx)),
        told=told_outside(history),
    )
