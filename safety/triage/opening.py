"""How a student enters the script: from a message, a questionnaire, a follow-up, or while a part of screening is down."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.policy import Flag
from safety.resources import region_of
from safety.triage.draft import Draft, begin
from safety.triage.entry import ask_country, open_case
from safety.triage.facts import InputKind, StudentFacts
from safety.triage.flow import load_flow
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Category, Screening, Severity


def open_triage(screening: Screening, facts: StudentFacts, now: datetime) -> ScriptStep:
    """Answer the message whose screening is not clear, in an ordinary conversation.

    Args:
        screening: the verdict on the message; crisis, clarify or degraded.
        facts: what is known at this turn.
        now: the moment of the turn, timezone-aware.

    Raises:
        ValueError: the screening is clear; the message belongs to the ordinary path.
    """
    if screening.clear:
        raise ValueError("a clear message does not enter the script")
    if not (screening.crisis or screening.clarify):
        return degraded_reply(facts, now)
    category = screening.category if screening.category is not Category.NONE else Category.SUICIDE
    unheard = screening.crisis and facts.input is InputKind.VOICE_UNCONFIRMED
    if unheard or not screening.crisis:
        draft = begin(category, facts, now)
        draft.may_mean(screening)
        draft.ask("vo_heard" if unheard else draft.words.clarify_item(screening))
        return draft.done()
    draft = begin(category, facts, now)
    before = draft.state
    draft.learn(screening.severity if screening.severity is not Severity.NONE else Severity.LOW)
    return open_case(draft, before)


def open_screener(facts: StudentFacts, now: datetime) -> ScriptStep:
    """Ask the screener's questions after a questionnaire's item on death or self-harm; the answers decide about a case."""
    draft = begin(Category.SUICIDE, facts, now)
    draft.say("intro.screener")
    if region_of(draft.state.region) is None:
        return ask_country(draft, "wish")
    draft.ask("wish")
    return draft.done()


def gentle_check_in(signal: str, facts: StudentFacts, now: datetime) -> ScriptStep:
    """Ask, in the ordinary conversation, about what a signal from the student's data may mean; it opens nothing."""
    draft = begin(Category.NONE, facts, now)
    key = f"say.check.{signal}"
    draft.say(key if draft.words.has(key) else "say.check.default")
    return draft.back_to_ordinary()


def open_follow_up(category: Category, severity: Severity, facts: StudentFacts, now: datetime) -> ScriptStep:
    """Come back after a case whose script has ended, as was announced."""
    draft = begin(category, facts, now)
    draft.change(case_open=True)
    draft.learn(severity)
    draft.ask("fu_how")
    return draft.done()


def degraded_reply(facts: StudentFacts, now: datetime, state: TriageState | None = None) -> ScriptStep:
    """Answer with the careful fixed reply while a part of screening is down; no model may speak.

    Where nothing can be stored either (`cut_off`), it says that the message is kept and need not be sent again.
    """
    draft = begin(Category.SUICIDE, facts, now) if state is None else resume(state, facts, now)
    draft.say("say.kept.now" if facts.cut_off else "say.degraded.now")
    if state is None or state.step is TriageStep.DEGRADED:
        draft.ask("dg_danger")
    return draft.done()


def resume(state: TriageState, facts: StudentFacts, now: datetime) -> Draft:
    """The student is back: silence is over, and the question that stood stands again."""
    step = state.step
    if step is TriageStep.SILENT:
        step = load_flow().items[state.item].step if state.item else TriageStep.WAITING
    flags = state.flags - {Flag.UNRESPONSIVE}
    return Draft(
        replace(state, step=step, flags=flags, last_student_at=now, nudged_at=None, silence_told_at=None), facts, now
    )
