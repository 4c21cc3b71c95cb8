"""The student asks for a person by a button of the service, outside any message: people are told, then the script asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.policy import Flag
from safety.triage.draft import begin
from safety.triage.entry import open_case
from safety.triage.facts import StudentFacts
from safety.triage.machine import advance
from safety.triage.state import TriageState
from safety.triage.step import ScriptStep
from safety.triage.telling import Cause
from safety.triage.words import WANT_PERSON
from safety.types import Category, Screening, Severity

_NO_WORDS = Screening(False, False, Category.NONE, Severity.NONE, 0.0, (), "asked-1")


def open_asked(state: TriageState | None, facts: StudentFacts, now: datetime) -> ScriptStep:
    """Return what the script says and does when the student asks for a person now.

    Args:
        state: where the student stands; None where no script is running. Nothing in it is taken back.
        facts: what is known now.
        now: the moment, timezone-aware.
    """
    if state is None:
        draft = begin(Category.SUICIDE, facts, now)  # The matter is not known: the screener's questions come first.
        before = draft.state
        draft.learn(flags=frozenset({Flag.STUDENT_ASKS}))
        return open_case(draft, before, "default", cause=Cause.ASKED)
    known = replace(state, category=Category.SUICIDE) if state.category is Category.NONE else state
    return advance(known, WANT_PERSON, _NO_WORDS, facts, now)
