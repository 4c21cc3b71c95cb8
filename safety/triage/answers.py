"""The moves of the triage machine: what an answer, an own word or a wish for a person leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from safety.policy import Flag, TurnKind
from safety.triage.buttons import NOT_ABOUT_THE_STUDENT
from safety.triage.draft import Draft
from safety.triage.endings import back, refuse, rest, safe_with_help, settle, stay_guarded, unsaid, wait_on, well
from safety.triage.entry import ask_first, emergency, is_emergency, open_case
from safety.triage.flow import Item, load_flow
from safety.triage.state import Answer, TriageState, TriageStep
from safety.triage.step import RecordAnswer, ScriptStep
from safety.triage.telling import Cause, running
from safety.types import Category, Mode, Severity, highest

_SKIPS_BEFORE_ACCEPTING = 2
_ASKING_ON = (TriageStep.SCREEN, TriageStep.MINOR, TriageStep.MEANS)
"""Steps that would ask the next question."""


def take_answer(draft: Draft, before: TriageState, item: Item, value: str, *, stop: bool = False) -> ScriptStep:
    """Record an answer, tell people where it calls for that, and go where it leads.

    Args:
        draft: the reply in the making.
        before: the state before this message.
        item: the question that stands.
        value: one of its choices, or `said`, which counts like `unsure` and is recorded as what it is.
        stop: the student asks in the same breath to be asked no more.
    """
    outcome, where = item.outcome(Answer.UNSURE if value == Answer.SAID else value)
    draft.state = draft.state.with_answer(item.id, value)
    skipped = value == Answer.REFUSED and item.step is TriageStep.SCREEN
    draft.change(refusals=draft.state.refusals + 1 if skipped else 0, item=None, reasked=False)
    if outcome.worse:
        _worse(draft, before)
    draft.learn(outcome.severity, outcome.switch, outcome.flags)
    if item.id == "el_country":
        return _set_country(draft, before, value)
    if item.id == "vo_heard" and value == Answer.NO and draft.state.resume:
        where = "@resume"
    grave = where != "@emergency" and item.step is not TriageStep.EMERGENCY and draft.state.case_open
    if grave and outcome.raises and draft.decision().turn is TurnKind.EMERGENCY:
        step = emergency(draft, before)
        return replace(step, effects=(*step.effects, RecordAnswer(item.id, str(value))))
    if outcome.say:
        draft.say(f"say.{outcome.say}" if draft.words.has(f"say.{outcome.say}") else outcome.say)
    if outcome.raises and where != "@open":
        draft.tell(before, Cause.ASKED if Flag.STUDENT_ASKS in outcome.flags else Cause.WORDS)
    if draft.state.case_open and item.record:
        draft.effects.append(RecordAnswer(item.id, str(value)))
    if draft.state.refusals >= _SKIPS_BEFORE_ACCEPTING or (stop and item.step in _ASKING_ON):
        return refuse(draft)
    return _go(draft, before, where)


def take_words(draft: Draft, item: Item, text: str) -> ScriptStep:
    """Record the student's own words for a question that asks for them, and go on."""
    draft.state = draft.state.with_answer(item.id, "given")
    if draft.state.case_open:
        draft.effects.append(RecordAnswer(item.id, text))
    draft.change(item=None)
    return _go(draft, draft.state, item.next or "@settle")


def call_person(draft: Draft, before: TriageState) -> ScriptStep:
    """Call a person because the student asks, whatever the matter."""
    standing = draft.state.item
    resting = draft.state.mode in (Mode.GUARDED, Mode.ORDINARY)
    draft.learn(flags=frozenset({Flag.STUDENT_ASKS}))
    if not draft.tell(before, Cause.ASKED):
        draft.note("student_asks_again")
        draft.say("say.waiting.already")
    if standing and not resting:
        draft.ask(standing, draft.state.step)
        return draft.done()
    return settle(draft)


def done_something(draft: Draft, before: TriageState) -> ScriptStep:
    """The student says that something is already done: the emergency comes first, theirs or somebody else's."""
    if draft.state.category in NOT_ABOUT_THE_STUDENT:
        draft.learn(Severity.IMMINENT, flags=frozenset({Flag.DANGER_NOW}))
        if not draft.state.case_open:
            return open_case(draft, before, "clarify_yes")
        draft.say("urgent.default")
        draft.tell(before)
        if draft.state.item:
            draft.ask(draft.state.item, draft.state.step)
            return draft.done()
        return settle(draft)
    draft.learn(Severity.IMMINENT, flags=frozenset({Flag.ATTEMPT_UNDERWAY}))
    return emergency(draft, before)


def _go(draft: Draft, before: TriageState, where: str) -> ScriptStep:
    """Go to an item or take a jump."""
    track = load_flow().tracks.get(draft.state.category)
    if where in _ENDS:
        return _ENDS[where](draft)
    if where == "@open":
        return _open_unclear(draft, before)
    if where == "@first" and track:
        ask_first(draft, track.first)
    elif where == "@then" and track and track.then == "means" and _at_risk(draft.state):
        draft.ask("md_distance")
    elif where == "@plan":
        _ask_plan(draft)
    elif where == "@emergency":
        draft.ask("em_help")
    elif where == "@resume" and draft.state.resume:
        draft.say("say.voice.misheard")
        draft.ask(draft.state.resume)
    elif where in load_flow().items:
        draft.ask(where)
    else:
        return settle(draft)
    return draft.done()


def _open_unclear(draft: Draft, before: TriageState) -> ScriptStep:
    """Open the case that an unclear message turned out to be."""
    severity = draft.state.unconfirmed if draft.state.unconfirmed is not Severity.NONE else Severity.LOW
    meant = (draft.state.unconfirmed_category, draft.state.category, Category.SUICIDE)
    category = next(category for category in meant if category is not Category.NONE)
    resume = draft.state.resume if draft.state.case_open else None
    draft.change(unconfirmed=Severity.NONE, resume=None)
    if draft.state.case_open and resume is None:
        draft.new_episode(category, severity)
    draft.learn(severity, category)
    if resume is not None and not is_emergency(category, severity):
        draft.tell(before)
        return _go(draft, before, resume)
    return open_case(draft, before, "clarify_yes")


def _ask_plan(draft: Draft) -> None:
    """Say the student's own crisis terms first, then ask for a step of their plan, or for a short one in their words."""
    terms = draft.facts.crisis_terms
    for name in ("helps", "makes_worse", "call_first", "never_call"):
        written = getattr(terms, name) if terms else ""
        if written:
            draft.say(f"say.plan.{name}", **{name: written})
    draft.ask("pl_own" if draft.facts.has_plan else "pl_step")


def _set_country(draft: Draft, before: TriageState, value: str) -> ScriptStep:
    resume = draft.state.resume
    draft.change(region=None if value == "other" else value, resume=None)
    draft.say("say.elsewhere.unknown" if value == "other" else "say.elsewhere.known")
    if draft.state.case_open:
        draft.effects.append(RecordAnswer("el_country", value))
    if resume is not None:
        return _go(draft, before, resume)
    # Naming a country calls nobody: who waits for a call that runs waits on, everybody else rests.
    waits = running(draft.state, draft.now).pages and not draft.state.human_contact
    return settle(draft) if waits or not draft.state.case_open else rest(draft)


def _worse(draft: Draft, before: TriageState) -> None:
    """Somebody who was asked how it is says that it is worse: a new episode, of which people are told as of the first."""
    draft.new_episode(draft.state.category, highest(draft.state.severity, Severity.LOW))
    draft.tell(before)


def _at_risk(state: TriageState) -> bool:
    """Whether the answers or the words give reason to talk about means, people and a plan."""
    worrying = {Answer.YES, Answer.UNSURE, Answer.SAID}
    asked = ("wish", "thoughts", "sh_urge", "sh_thoughts")
    return state.severity.rank >= Severity.MODERATE.rank or any(state.answers.get(item) in worrying for item in asked)


_ENDS: dict[str, Callable[[Draft], ScriptStep]] = {
    "@settle": settle,
    "@safe": safe_with_help,
    "@back": back,
    "@well": well,
    "@guarded": stay_guarded,
    "@wait": wait_on,
    "@unsaid": unsaid,
}
"""Jumps that end the questions."""
