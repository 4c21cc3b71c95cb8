"""Reads the script's stored state; where this version cannot, what the open case says stands in its place.

A severity that a case holds is never forgotten because a state came from another version or under another key.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson

from core.crypto import SubjectKey, Unreadable
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Tx
from safety.policy import Tier, load_policy
from safety.triage.draft import begin
from safety.triage.facts import StudentFacts
from safety.triage.flow import read_state
from safety.triage.state import CheckIn, CheckInKind, TriageState, TriageStep
from safety.types import Category, Mode, Severity

log = get_logger("conversations.stored_state")
OPEN_CASE = """
select c.category, c.severity, c.tier, c.confidential, c.opened_at, c.last_person_at is not null,
       (select max(created_at) from messages where conversation_id = c.conversation_id and author = 'student')
from cases c where c.conversation_id = %s and c.status <> 'closed'
"""


def read_stored(
    key: SubjectKey, sealed: bytes | None, conversation: ConversationId | None
) -> tuple[TriageState | None, bool]:
    """Return the stored state, and whether there is one that this version cannot read."""
    if sealed is None:
        return None, False
    try:
        return read_state(orjson.loads(key.open(sealed, f"conversations.triage:{conversation}"))), False
    except (KeyError, ValueError, TypeError, AttributeError, Unreadable) as error:
        log.error("triage_state_unreadable", conversation=str(conversation), exc_info=error)
        return None, True


async def from_the_case(
    tx: Tx, conversation: ConversationId, mode: Mode, facts: StudentFacts, now: datetime
) -> TriageState | None:
    """Return where a conversation stands by its open case alone; None without one.

    No question stands. Silence goes on from the student's last words, and what the script books in every case,
    the follow-ups, is booked from the moment at which it opened.
    """
    row = await (await tx.conn.execute(OPEN_CASE, (conversation,))).fetchone()
    if row is None:
        return None
    category, severity, tier, confidential, opened_at, person, wrote_at = row
    booked = (opened_at + wait for wait in load_policy().timing.follow_ups)
    return replace(
        begin(Category(category), facts, now).state,
        step=_step(mode, Tier(tier)),
        severity=Severity(severity),
        matter=Severity(severity),
        tier=Tier(tier),
        case_open=True,
        confidential=confidential,
        human_contact=person,
        since=wrote_at or opened_at,
        last_student_at=wrote_at or opened_at,
        check_ins=tuple(CheckIn(moment, CheckInKind.FOLLOW_UP) for moment in booked if moment > now),
    )


def _step(mode: Mode, tier: Tier) -> TriageStep:
    if mode is Mode.LIVE_PERSON:
        return TriageStep.LIVE
    return TriageStep.WAITING if mode is Mode.TRIAGE and tier.pages else TriageStep.GUARDED
