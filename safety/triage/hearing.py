"""Crisis words inside the script: what they raise, which matter they turn to, and what must come first."""

from __future__ import annotations

from datetime import datetime

from safety.policy import Tier, decide, load_policy
from safety.triage.draft import Draft
from safety.triage.endings import wait
from safety.triage.entry import emergency, is_emergency, open_case
from safety.triage.flow import load_flow
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.telling import running
from safety.triage.words import DONE_SOMETHING
from safety.types import Category, Screening, Severity

_RESTING = frozenset(
    {
        TriageStep.GUARDED, TriageStep.NO_STAFF, TriageStep.FOLLOW_UP, TriageStep.MISREAD,
        TriageStep.DEGRADED, TriageStep.CLARIFY, TriageStep.VOICE, TriageStep.REFUSED, TriageStep.SAFE_WITH_HELP,
    }
)  # fmt: skip
"""Steps in which new crisis words open the script anew, once no promise to ask nothing holds any more."""
_LIGHTER = (Category.THIRD_PARTY, Category.AI_HARM, Category.NONE)
"""Matters that give way to any other."""


def hear(draft: Draft, before: TriageState, screening: Screening, value: str | None) -> ScriptStep | None:
    """Take in crisis words; return the reply if they change the course, or None to go on with the answer."""
    state = draft.state
    step = _standing(state)
    category = next((one for one in (screening.category, state.category) if one is not Category.NONE), Category.SUICIDE)
    held = unasked(state, draft.now)
    anew = step in _RESTING and not held
    told = Tier.NONE if anew else running(state, draft.now)
    urgent = decide(category, screening.severity).tier.rank > told.rank
    worse = urgent or screening.severity.rank > state.matter.rank
    with_help = held and step is TriageStep.SAFE_WITH_HELP
    first_aid = is_emergency(category, screening.severity) and not with_help
    turned = category is not state.category and (worse or anew or first_aid or state.category in _LIGHTER)
    turned = turned and step is not TriageStep.EMERGENCY
    draft.confide(category)
    draft.change(unconfirmed=Severity.NONE)
    if anew and state.case_open:
        draft.new_episode(category, screening.severity)
    draft.learn(screening.severity, category if turned else None)
    if first_aid and state.step is not TriageStep.EMERGENCY:
        return emergency(draft, before)
    if held:
        if screening.severity.rank >= Severity.HIGH.rank and not with_help:
            draft.say("urgent.default")
        draft.tell(before)
        draft.say("say.safe.still" if with_help else "say.refused.again")
        return draft.done()
    danger = screening.severity is Severity.IMMINENT and step is not TriageStep.EMERGENCY
    if step is TriageStep.WAITING:
        if danger:
            draft.say("urgent.default")
        draft.tell(before)
        return wait(draft, "say.waiting.more")
    if value == DONE_SOMETHING:
        return None
    if anew or not state.case_open:
        return open_case(draft, before)
    if turned:
        return open_case(draft, before, "turned")
    if danger:
        draft.say("urgent.default")
    draft.tell(before)
    return None


def unasked(state: TriageState, now: datetime) -> bool:
    """Whether it still holds that no questions are asked. Not asking is not the same as not telling."""
    timing = load_policy().timing
    holds = {TriageStep.REFUSED: timing.refusal_holds, TriageStep.SAFE_WITH_HELP: timing.help_holds}
    return state.step in holds and now - state.since < holds[state.step]


def _standing(state: TriageState) -> TriageStep:
    """The step that counts: while the country is asked, it is the one that goes on after."""
    if state.step is not TriageStep.ELSEWHERE:
        return state.step
    return load_flow().items[state.resume].step if state.resume else TriageStep.GUARDED
