"""How a case opens: the emergency first, else who is told, the country, and the first question of its own script."""

from __future__ import annotations

from safety.policy import TurnKind, decide
from safety.resources import region_of
from safety.triage.draft import DISCREET, Draft
from safety.triage.facts import InputKind
from safety.triage.flow import load_flow
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.telling import Cause
from safety.types import Category, Severity

_RETURNING = (Category.SUICIDE, Category.SELF_HARM)
"""Matters in which a student who comes back is asked what is different, without an introduction."""


def open_case(draft: Draft, before: TriageState, intro: str | None = None, cause: Cause = Cause.WORDS) -> ScriptStep:
    """Enter the script of the case's category: what comes first there, who is told and why, the first question."""
    if draft.decision().turn is TurnKind.EMERGENCY:
        return emergency(draft, before)
    state, facts = draft.state, draft.facts
    again = intro is None and (state.case_open or facts.earlier_case) and state.category in _RETURNING
    draft.say(f"intro.{intro or ('again' if again else _intro(draft))}")
    if state.severity.rank >= Severity.HIGH.rank or state.category in DISCREET:
        draft.say("urgent.default")
    draft.tell(before, cause)
    first = load_flow().tracks[state.category].first
    if region_of(state.region) is None and "el_country" not in state.asked:
        return ask_country(draft, first)
    if again:
        draft.ask("ag_different")
    elif facts.input is InputKind.VOICE:
        draft.ask("vo_aloud")
    else:
        ask_first(draft, first)
    return draft.done()


def emergency(draft: Draft, before: TriageState) -> ScriptStep:
    """Say the emergency steps before anything else; then who is told; then what happened."""
    if draft.state.category is Category.OVERDOSE:
        draft.say("urgent.overdose")
    draft.say("emergency.now")
    draft.enter(TriageStep.EMERGENCY)
    draft.tell(before)
    if region_of(draft.state.region) is None and "el_country" not in draft.state.asked:
        return ask_country(draft, "em_what")
    draft.ask("em_help" if "em_what" in draft.state.answers else "em_what")
    return draft.done()


def ask_first(draft: Draft, first: str) -> None:
    """Put a track's first question; to a minor whose limits were said in this reply, it is the minor step."""
    if draft.limits_said and load_flow().items[first].step is TriageStep.SCREEN:
        draft.ask(first, TriageStep.MINOR)
    else:
        draft.ask(first)


def ask_country(draft: Draft, resume: str | None) -> ScriptStep:
    """Ask the country, and keep the question to go on with."""
    draft.change(resume=resume)
    draft.ask("el_country")
    return draft.done()


def is_emergency(category: Category, severity: Severity) -> bool:
    """Whether a signal by itself calls for the emergency script."""
    return decide(category, severity).turn is TurnKind.EMERGENCY


def _intro(draft: Draft) -> str:
    name = draft.state.category.value
    if draft.decision().tier.rank and draft.words.has(f"intro.{name}_danger"):
        return f"{name}_danger"
    return name if draft.words.has(f"intro.{name}") else "default"
