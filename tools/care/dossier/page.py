"""A case laid out for the first sixty seconds: who, how bad, what was said and promised, who else acts.

Facts first, in the order in which a counselor needs them. The whole transcript, the rules and scores, and the dispatch
sheet are looks of their own and stored as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.ids import CaseId
from db.access import Tx
from safety.types import Mode
from tools.care.access import Seen
from tools.care.dossier.answered import Answered, answered
from tools.care.dossier.before import Changed, OtherCase, read_changed, read_other_cases
from tools.care.dossier.conversation import Presence, read_conversation
from tools.care.dossier.glance import Glance, glance
from tools.care.dossier.history import Happened, read_history
from tools.care.dossier.looks import look
from tools.care.dossier.others import Others, read_others
from tools.care.dossier.reach import CallBack, Place, call_back, place
from tools.care.dossier.said import Quote, around_flagged, read_all
from tools.care.dossier.shown import Shown, read_shown
from tools.care.facts import CaseFacts, beside
from tools.care.openers import opener
from tools.care.plan import SafetyPlan, read_plan
from tools.care.queue import colleague_name
from tools.care.terms import MyTerms, read_terms
from tools.people.people import Profile, read_profile, require_staff

ELSEWHERE = ("answer", "looked", "note")
"""Facts that stand on the page in a place of their own."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """The case as its page shows it, top to bottom."""

    case: CaseFacts
    student: Profile
    minor: bool
    call_back: CallBack | None
    place: Place | None
    presence: Presence
    mode: Mode | None
    """None when the conversation is gone."""
    deletion_requested: bool
    terms: MyTerms | None
    glance: tuple[Glance, ...]
    answers: tuple[Answered, ...]
    notes: tuple[Happened, ...]
    """What the script noted: stopped answering, asked not to be asked further, help reached."""
    quotes: tuple[Quote, ...]
    changed: Changed | None
    clinician: str | None
    """Whom the student named."""
    known_by: str | None
    """Who had their last case here."""
    shown: Shown
    others: Others
    plan: SafetyPlan | None
    history: tuple[Happened, ...]
    other_cases: tuple[OtherCase, ...]
    opener: str
    """First words to start from."""


async def open_dossier(tx: Tx, case: CaseId, *, at: datetime) -> Dossier:
    """Open a case as a person: stores that it was opened, by whom and when, and returns its page.

    Raises `NotFound` for a case that the acting member of staff may not see, or that is closed.
    """
    facts, key = await look(tx, case, Seen.CASE, at=at)
    await _mark_opened(tx, case, at)
    student, me = beside(tx, facts.student_id), await colleague_name(tx, require_staff(tx))
    profile = await read_profile(tx, facts.student_id)
    terms, plan = await read_terms(student, key), await read_plan(student, key)
    conversation = await read_conversation(tx, key, facts.conversation_id, at=at)
    messages = await read_all(tx, key, facts.conversation_id)
    history, others = await read_history(tx, key, case), await read_other_cases(tx, facts)
    answers = answered(history, conversation.triage, profile.language, profile.time_zone)
    changed = await read_changed(tx, facts, others, answers, plan=plan, terms=terms, language=profile.language)
    shown = await read_shown(
        tx, key, facts.conversation_id, messages, conversation.triage, profile, since=facts.opened_at, at=at
    )
    acting = await read_others(tx, facts, history, me=me)
    first_words = await _opener(tx, facts, profile.name, me, returning=changed is not None)
    return Dossier(
        case=facts,
        student=profile,
        minor=profile.minor,
        call_back=call_back(answers, terms),
        place=place(answers),
        presence=conversation.presence,
        mode=conversation.mode,
        deletion_requested=conversation.deletion_requested,
        terms=terms,
        glance=glance(answers),
        answers=answers,
        notes=tuple(entry for entry in history if entry.kind == "note"),
        quotes=around_flagged(messages),
        changed=changed,
        clinician=terms.clinician or None if terms else None,
        known_by=changed.last.counselor if changed else None,
        shown=shown,
        others=acting,
        plan=plan,
        history=tuple(entry for entry in history if entry.kind not in ELSEWHERE),
        other_cases=others,
        opener=first_words,
    )


async def _mark_opened(tx: Tx, case: CaseId, at: datetime) -> None:
    await tx.conn.execute(
        "update cases set first_opened_at = coalesce(first_opened_at, %s),"
        " acknowledged_at = case when claimed_by = %s then %s else acknowledged_at end where id = %s",
        (at, tx.who.account_id, at, case),
    )


async def _opener(tx: Tx, facts: CaseFacts, name: str, me: str, *, returning: bool) -> str:
    row = await (
        await tx.conn.execute("select name from institutions where id = %s", (tx.who.institution_id,))
    ).fetchone()
    campus = str(row[0]) if row else ""
    return opener(facts.category, facts.severity, returning=returning, name=name, me=me, campus=campus)
