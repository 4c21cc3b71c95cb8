"""Words that are read again: a part of screening was down when they came, or a second opinion is graver. Late, and never
too late to act on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.triage.beside import hear_beside
from safety.triage.draft import Draft
from safety.triage.facts import StudentFacts
from safety.triage.hearing import hear
from safety.triage.opening import open_triage
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Screening

LATE, ONCE_MORE = "say.degraded.read", "say.once_more.read"
"""Texts that say why something is said of earlier words: a part was down, or they were read once more."""
_ASKED_EVERYBODY = (TriageStep.DEGRADED,)
"""Steps in which only what everybody is asked has been asked."""


def heard_again(
    state: TriageState | None, screening: Screening, facts: StudentFacts, now: datetime, said: str = LATE
) -> ScriptStep | None:
    """Return what the script says and does about a message that was read again; None when there is nothing to do.

    Args:
        state: where the student stands now, not where they stood when they wrote.
        screening: the verdict of the second reading.
        facts: what is known now.
        now: the moment of the second reading, timezone-aware.
        said: key of the text that says why this comes now.
    """
    if not (screening.crisis or screening.clarify):
        return None
    if state is None or (not screening.crisis and state.step in _ASKED_EVERYBODY):
        return _late(open_triage(replace(screening, degraded=()), facts, now), state, facts, now, said)
    if not screening.crisis:
        return None  # A question stands already.
    draft = Draft(state, facts, now)
    if state.step is TriageStep.LIVE:
        beside = hear_beside(draft, screening)
        return _late(beside, state, facts, now, said) if beside.effects else None
    step = hear(draft, state, screening, None) or draft.done()
    if not step.messages and not step.effects:
        return None
    return _late(step, state, facts, now, said)


def _late(step: ScriptStep, state: TriageState | None, facts: StudentFacts, now: datetime, said: str) -> ScriptStep:
    """Say first that this is about something written earlier."""
    known = state or step.state
    if known is None or not step.messages:
        return step
    words = Draft(known, facts, now).words
    return replace(step, messages=(words.text(said), *step.messages))
