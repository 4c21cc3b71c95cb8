"""A case laid out for the first sixty seconds: who, how bad, what was said and promised, who else acts.

Facts first. Quotes are the flagged turns with those around them; the whole transcript, and the rules and scores, are
looks of their own and stored as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from core.crypto import SubjectKey, Unreadable
from core.ids import CaseId, ConversationId
from core.logs import get_logger
from db.access import Tx
from safety.triage.state import TriageState
from safety.types import Mode
from tools.care.access import Seen
from tools.care.dossier.answered import Answered, answered
from tools.care.dossier.history import EarlierCase, Happened, Told, read_earlier, read_history, read_told
from tools.care.dossier.looks import look
from tools.care.dossier.said import Quote, around_flagged, read_all
from tools.care.facts import CaseFacts, beside
from tools.care.openers import opener
from tools.care.plan import SafetyPlan, read_plan
from tools.care.queue import colleague_name
from tools.care.terms import MyTerms, read_terms
from tools.people.people import Profile, read_profile, require_staff

log = get_logger("care.dossier")
MINORS = ("under_16", "16_17")


@dataclass(frozen=True, slots=True)
class Dossier:
    """The case as its page shows it, top to bottom."""

    case: CaseFacts
    student: Profile
    minor: bool
    last_seen_at: datetime | None
    mode: Mode | None
    deletion_requested: bool
    claimed_by: str | None
    terms: MyTerms | None
    plan: SafetyPlan | None
    answers: tuple[Answered, ...]
    quotes: tuple[Quote, ...]
    shown: tuple[Quote, ...]
    """What the script said since the case was opened: what the student was shown and promised."""
    check_ins: tuple[datetime, ...]
    """When the companion said that it will come back."""
    told: tuple[Told, ...]
    history: tuple[Happened, ...]
    earlier: tuple[EarlierCase, ...]
    opener: str
    """First words to start from."""


async def open_dossier(tx: Tx, case: CaseId, *, at: datetime) -> Dossier:
    """Open a case as a person: stores that it was opened, by whom and when, and returns its page.

    Raises `NotFound` for a case that the acting member of staff may not see, or that is closed.
    """
    facts, key = await look(tx, case, Seen.CASE, at=at)
    await tx.conn.execute(
        "update cases set first_opened_at = coalesce(first_opened_at, %s),"
        " acknowledged_at = case when claimed_by = %s then %s else acknowledged_at end where id = %s",
        (at, tx.who.account_id, at, case),
    )
    student = beside(tx, facts.student_id)
    profile = await read_profile(tx, facts.student_id)
    messages = await read_all(tx, key, facts.conversation_id)
    mode, deletion, triage, seen = await _conversation(tx, key, facts.conversation_id)
    history, earlier = await read_history(tx, key, case), await read_earlier(tx, facts)
    return Dossier(
        case=facts,
        student=profile,
        minor=profile.age_band in MINORS,
        last_seen_at=seen,
        mode=mode,
        deletion_requested=deletion,
        claimed_by=await colleague_name(tx, facts.claimed_by) if facts.claimed_by else None,
        terms=await read_terms(student, key),
        plan=await read_plan(student, key),
        answers=answered(history, profile.language, profile.time_zone),
        quotes=around_flagged(messages),
        shown=tuple(quote for quote in messages if quote.author == "script" and quote.at >= facts.opened_at),
        check_ins=tuple(entry.at for entry in triage.check_ins) if triage else (),
        told=await read_told(tx, case),
        history=tuple(entry for entry in history if entry.kind not in ("answer", "looked")),
        earlier=earlier,
        opener=opener(
            facts.category,
            facts.severity,
            returning=bool(earlier),
            name=profile.name,
            me=await colleague_name(tx, require_staff(tx)),
            campus=await _campus_name(tx),
        ),
    )


async def _campus_name(tx: Tx) -> str:
    row = await (
        await tx.conn.execute("select name from institutions where id = %s", (tx.who.institution_id,))
    ).fetchone()
    return str(row[0]) if row else ""


async def _conversation(
    tx: Tx, key: SubjectKey, conversation: ConversationId | None
) -> tuple[Mode | None, bool, TriageState | None, datetime | None]:
    cursor = await tx.conn.execute(
        "select mode, delete_requested_at is not null, triage_sealed,"
        " (select max(t.created_at) from turns t where t.conversation_id = c.id) from conversations c where id = %s",
        (conversation,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None, True, None, None
    return Mode(row[0]), row[1], _triage(key, conversation, row[2]), row[3]


def _triage(key: SubjectKey, conversation: ConversationId | None, sealed: bytes | None) -> TriageState | None:
    """Read where the script stands; None where it is not asking, or where another version wrote what it cannot read."""
    if sealed is None:
        return None
    try:
        return TriageState.from_dict(orjson.loads(key.open(sealed, f"conversations.triage:{conversation}")))
    except (KeyError, ValueError, TypeError, Unreadable) as error:
        # A person must be able to open the case whatever the script left behind.
        log.error("triage_state_unreadable", conversation=str(conversation), error=type(error).__name__)
        return None
