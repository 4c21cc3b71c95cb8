"""Telling somebody outside: a named person decides, and the basis and the recipients are on record.

FERPA permits it in an articulable and significant threat (34 CFR 99.36) and obliges to record the threat and who was told
(99.32(a)(5)). The record outlives the conversation. Nothing is sent by this; no time-out ever leads here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from core.errors import InvalidInput
from core.ids import CaseId
from db.access import Tx
from tools.care.cases import record
from tools.care.facts import require_mine
from tools.people.keys import subject_key


class ToldOutside(StrEnum):
    """Who outside the service was told of a case by a named person's decision."""

    EMERGENCY_SERVICES = "emergency_services"
    CAMPUS_SAFETY = "campus_safety"
    POLICE = "police"
    HOSPITAL = "hospital"
    FAMILY = "family"
    CHILD_PROTECTION = "child_protection"
    PERSON_AT_RISK = "person_at_risk"
    OTHER = "other"


async def record_disclosure(tx: Tx, case: CaseId, threat: str, told: Sequence[ToldOutside], *, at: datetime) -> None:
    """Record a decision of the person who has the case; raises `InvalidInput` without a basis or a recipient."""
    facts = await require_mine(tx, case)
    if not threat.strip() or not told:
        raise InvalidInput("Say what the threat is and who was told: the law asks for both on record.")
    key = await subject_key(tx, facts.student_id)
    await record(tx, case, "disclosed", at=at, facts={"told": sorted(told)}, words=threat.strip(), key=key)
