"""'What happens if I say …?': the student's own facts through the real screening and script, with nothing stored."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from db.access import Tx
from safety.script import Rehearsal, rehearse
from safety.triage.facts import StudentFacts
from safety.types import Screening, ScreeningContext
from tools.care.plan import read_plan
from tools.care.staffing import staffing
from tools.care.terms import for_script, read_terms
from tools.people.keys import student_key
from tools.people.people import read_profile, require_student


class Screens(Protocol):
    """Screening; `safety.screen.Screener` is one."""

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message; never raises."""
        ...


async def facts_for_rehearsal(tx: Tx, *, at: datetime) -> StudentFacts:
    """Return what the script would know about the acting student in a new conversation at this moment."""
    student = require_student(tx)
    profile, key = await read_profile(tx, student), await student_key(tx)
    row = await (
        await tx.conn.execute(
            "select settings, time_zone, exists (select from cases where student_id = %s), region from institutions"
            " where id = %s",
            (student, tx.who.institution_id),
        )
    ).fetchone()
    campus, zone, earlier, campus_region = row or ({}, "UTC", False, None)
    staff = staffing(campus, zone, at)
    return StudentFacts(
        language=profile.language,
        region=profile.region,
        campus_region=campus_region,
        zone=profile.time_zone,
        minor=profile.minor,
        has_plan=await read_plan(tx, key) is not None,
        crisis_terms=for_script(await read_terms(tx, key)),
        staffed_now=staff.now,
        next_staffed=staff.next_at,
        earlier_case=earlier,
    )


async def rehearse_message(screener: Screens, text: str, facts: StudentFacts, *, at: datetime) -> Rehearsal:
    """Walk through what would be said and who would be told; call it outside any transaction."""
    screening = await asyncio.to_thread(screener.screen, text, ScreeningContext(language=facts.language))
    return rehearse(text, screening, facts, at)
