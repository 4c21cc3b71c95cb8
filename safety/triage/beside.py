"""A person is in the conversation: the companion is silent, and no graver word or button is lost on that account."""

from __future__ import annotations

from safety.policy import Decision, Flag, TurnKind, decide
from safety.triage.buttons import NOT_ABOUT_THE_STUDENT
from safety.triage.draft import Draft
from safety.triage.facts import InputKind
from safety.triage.step import OpenCase, RaiseCase, ScriptStep
from safety.triage.telling import Cause, accompanied, due
from safety.triage.words import DONE_SOMETHING, WANT_PERSON
from safety.types import Category, Screening, Severity


def beside_a_person(draft: Draft, text: str, screening: Screening) -> ScriptStep:
    """Answer what the student writes or taps beside a person: with nothing, unless people must be called as well."""
    if draft.facts.input is InputKind.VOICE_UNCONFIRMED:
        return draft.done()
    value = draft.words.read(text, (), phrases=False)
    if value == DONE_SOMETHING:
        other = draft.state.category in NOT_ABOUT_THE_STUDENT
        category = draft.state.category if draft.state.category is not Category.NONE else Category.SUICIDE
        draft.learn(Severity.IMMINENT, category, frozenset({Flag.DANGER_NOW if other else Flag.ATTEMPT_UNDERWAY}))
        return _act(draft, draft.decision())
    if screening.crisis:
        return hear_beside(draft, screening)
    return _asked(draft) if value == WANT_PERSON else draft.done()


def hear_beside(draft: Draft, screening: Screening) -> ScriptStep:
    """Take in crisis words: the case is about what is more urgent, and confidential as soon as these words are."""
    state = draft.state
    category = next((one for one in (screening.category, state.category) if one is not Category.NONE), Category.SUICIDE)
    theirs, known = decide(category, screening.severity), draft.decision()
    draft.learn(screening.severity)
    draft.confide(category)
    first_aid = theirs.turn is TurnKind.EMERGENCY and known.turn is not TurnKind.EMERGENCY
    if theirs.tier.rank > known.tier.rank or first_aid or state.category is Category.NONE:
        draft.learn(category=category)
    # Whoever is there knows what was said before; alone again, the student gets no discount on it.
    return _act(draft, theirs if accompanied(state, draft.facts, draft.now) else draft.decision())


def _act(draft: Draft, decision: Decision) -> ScriptStep:
    """Call people as well where they must be called, with what comes first; else raise the case without a word."""
    state = draft.state
    if due(Cause.WORDS, decision, state, draft.facts, draft.now).pages:
        if decision.turn is TurnKind.EMERGENCY:
            if state.category is Category.OVERDOSE:
                draft.say("urgent.overdose")
            draft.say("emergency.now")
        elif state.severity.rank >= Severity.HIGH.rank:
            draft.say("urgent.default")
        draft.tell(draft.known)
    elif state.severity is not draft.known.severity:
        case = (state.category, state.severity, state.tier)
        opened = OpenCase(*case, confidential=state.confidential)
        draft.effects.append(RaiseCase(*case) if state.case_open else opened)
        draft.change(case_open=True)
    return draft.done()


def _asked(draft: Draft) -> ScriptStep:
    """The student asks for a person: the one who is there, or others when that one has gone quiet."""
    if accompanied(draft.state, draft.facts, draft.now):
        draft.note("student_asks_again")
        return draft.done()
    if draft.state.category is Category.NONE:
        draft.learn(category=Category.SUICIDE)  # The matter is not known: it is not taken for a light one.
    draft.learn(flags=frozenset({Flag.STUDENT_ASKS}))
    if draft.due(Cause.ASKED).pages:
        draft.tell(draft.known, Cause.ASKED)
    else:
        draft.note("student_asks_again")
    return draft.done()
