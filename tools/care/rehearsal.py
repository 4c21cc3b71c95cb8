"""'What happens if I say …?': the student's own facts through the real screening and script, with nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from db.access import Tx
from safety.policy import Tier
from safety.script import Rehearsal, advance, open_triage, rehearse
from safety.triage.facts import StudentFacts
from safety.triage.state import TriageState
from safety.triage.step import Choice, Digest, Page, ScriptStep
from safety.types import Mode, PriorTurn, Screening, ScreeningContext
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
        shifts=staff.shifts,
        earlier_case=earlier,
    )


async def rehearse_message(screener: Screens, text: str, facts: StudentFacts, *, at: datetime) -> Rehearsal:
    """Walk through what would be said and who would be told; call it outside any transaction."""
    screening = await asyncio.to_thread(screener.screen, text, ScreeningContext(language=facts.language))
    return rehearse(text, screening, facts, at)


async def rehearse_walk(
    screener: Screens, said: Sequence[str], facts: StudentFacts, *, at: datetime
) -> tuple[Rehearsed, ...]:
    """Walk on from a first message through the answers to it, with the real screening and script.

    Every walk begins anew from the words alone: nothing is stored between two steps. Call it outside any transaction.
    """
    return await asyncio.to_thread(_walk, screener, tuple(said), facts, at)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One message of a rehearsal, and what would follow."""

    said: str
    """As the student reads it: the label of a button they tapped."""
    step: ScriptStep
    told: Tier | None
    """Who would newly be told by this message; None where nobody would be."""

    @property
    def ordinary(self) -> bool:
        """Whether the conversation would simply go on."""
        return self.step.passes_on


def _walk(screener: Screens, said: tuple[str, ...], facts: StudentFacts, at: datetime) -> tuple[Rehearsed, ...]:
    state: TriageState | None = None
    choices: Sequence[Choice] = ()
    prior: list[PriorTurn] = []
    walked = []
    for text in said:
        screening = screener.screen(text, ScreeningContext(prior=tuple(prior), language=facts.language))
        step = _step(state, text, screening, facts, at)
        label = next((choice.label for choice in choices if choice.value == text), text)
        walked.append(Rehearsed(label, replace(step, effects=()), _told(step)))
        prior.append(PriorTurn("student", text, screening.severity, screening.category))
        state, choices = step.state, step.choices
    return tuple(walked)


def _step(state: TriageState | None, text: str, screening: Screening, facts: StudentFacts, at: datetime) -> ScriptStep:
    if state is not None:
        return advance(state, text, screening, facts, at)
    if screening.clear:
        return ScriptStep(None, mode=Mode.ORDINARY, messages=())
    return open_triage(screening, facts, at)


def _told(step: ScriptStep) -> Tier | None:
    return max((e.tier for e in step.effects if isinstance(e, Page | Digest)), key=lambda tier: tier.rank, default=None)
