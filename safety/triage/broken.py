"""The reply where the script itself breaks: fixed words with the lines, and people are called by the screening alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.triage.draft import begin
from safety.triage.facts import InputKind, StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Category, Mode, Screening, Severity, highest


def broken_reply(
    state: TriageState | None, mode: Mode, screening: Screening, facts: StudentFacts, now: datetime
) -> ScriptStep:
    """Answer a message on which the script failed: the step stays what it was, and nothing is ordinary.

    Args:
        state: where the student stands; what the message says is added to it, nothing else.
        mode: the conversation's mode.
        screening: the verdict on the message; by it alone people are called.
        facts: what is known at this turn.
        now: the moment of the turn, timezone-aware.
    """
    matter = screening.category if screening.category is not Category.NONE else Category.SUICIDE
    draft = begin(matter, facts, now)
    if state is not None and state.confidential:
        draft.change(confidential=True)
    draft.say("say.kept.now" if facts.cut_off else "say.degraded.now")
    if screening.crisis and facts.input is not InputKind.VOICE_UNCONFIRMED:
        draft.learn(screening.severity if screening.severity is not Severity.NONE else Severity.LOW)
        if screening.severity.rank >= Severity.HIGH.rank:
            draft.say("urgent.default")
        draft.tell(draft.known)
    draft.enter(TriageStep.GUARDED)
    said = draft.done()
    left = _raised(state, draft.state) if state is not None else draft.state if draft.state.case_open else None
    return replace(said, state=left, mode=Mode.GUARDED if mode is Mode.ORDINARY else mode)


def _raised(state: TriageState, known: TriageState) -> TriageState:
    """Add to a state what its case says now."""
    return replace(
        state,
        severity=highest(state.severity, known.severity),
        matter=highest(state.matter, known.matter),
        tier=max(state.tier, known.tier, key=lambda tier: tier.rank),
        told_at=max(filter(None, (state.told_at, known.told_at)), default=None),
        case_open=state.case_open or known.case_open,
        confidential=state.confidential or known.confidential,
    )
