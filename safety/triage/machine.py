"""The student's next message, typed or tapped: heard for danger first, then taken as an answer, then as words."""

from __future__ import annotations

from datetime import datetime

from safety.triage.answers import call_person, done_something, take_answer, take_words
from safety.triage.beside import beside_a_person
from safety.triage.draft import Draft
from safety.triage.endings import agree_check_in, back, refuse, unsaid, wait
from safety.triage.entry import ask_country
from safety.triage.facts import InputKind, StudentFacts
from safety.triage.flow import Item
from safety.triage.hearing import hear, unasked
from safety.triage.opening import resume
from safety.triage.state import Answer, TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.words import DONE_SOMETHING, ELSEWHERE, HERE, NEVER_MIND, STOP, WANT_PERSON
from safety.types import Mode, Screening

_UNHEARD = (TriageStep.CLARIFY, TriageStep.VOICE)
_DISMISSIBLE = frozenset(
    {TriageStep.SCREEN, TriageStep.MINOR, TriageStep.CLARIFY, TriageStep.AGAIN, TriageStep.VOICE, TriageStep.ELSEWHERE}
)
_FALLBACKS = (Answer.UNSURE, Answer.REFUSED, "other", "not_now", Answer.NO)
"""What two unclear replies count as: the first of these that the question knows."""
_PASSING = frozenset({TriageStep.GUARDED, TriageStep.NO_STAFF, TriageStep.REFUSED, TriageStep.SAFE_WITH_HELP})
"""Steps in which ordinary words go on to the guarded conversation."""


def advance(state: TriageState, text: str, screening: Screening, facts: StudentFacts, now: datetime) -> ScriptStep:
    """Answer the student's next message, typed or tapped.

    Args:
        state: where the student stands.
        text: free text, or the value of a quick reply.
        screening: the verdict on the text; it may raise severity and change the matter.
        facts: what is known at this turn.
        now: the moment of the turn, timezone-aware.
    """
    draft = resume(state, facts, now)
    if state.step is TriageStep.LIVE:
        return beside_a_person(draft, text, screening)
    before = draft.state
    if facts.input is InputKind.VOICE_UNCONFIRMED:
        return _misheard(draft, screening)
    value = draft.words.read(text, draft.choices, phrases=state.mode is Mode.TRIAGE)
    if screening.crisis:
        found = hear(draft, before, screening, value)
        if found:
            return found
    if value in (DONE_SOMETHING, STOP, NEVER_MIND, WANT_PERSON, ELSEWHERE, HERE):
        return _anywhere(draft, before, value)
    item = draft.item
    if item is None:
        return _resting(draft, screening)
    if value is not None and value in item.choices:
        if screening.crisis and value != item.risk and Answer.UNSURE in item.choices:
            value = Answer.SAID
        if item.id == "gd_check_in":
            return agree_check_in(draft, value)
        return take_answer(draft, before, item, value, stop=draft.words.stops(text))
    return _unclear(draft, before, item, text, screening)


def _anywhere(draft: Draft, before: TriageState, value: str) -> ScriptStep:
    """Take a reply that is understood at every step."""
    step = draft.state.step
    if value == DONE_SOMETHING:
        return done_something(draft, before)
    if value == WANT_PERSON:
        return call_person(draft, before)
    if value == ELSEWHERE:
        return ask_country(draft, draft.state.resume if step is TriageStep.ELSEWHERE else draft.state.item)
    if (value == NEVER_MIND and step in _DISMISSIBLE) or (value == STOP and step in _UNHEARD):
        draft.change(resume=None)
        draft.say("say.misread.thanks")
        draft.ask("mr_safe")
        return draft.done()
    if value == STOP and step is TriageStep.MISREAD:
        return unsaid(draft)
    if value == STOP and step is TriageStep.DEGRADED:
        return back(draft)
    if value == STOP and step not in (TriageStep.EMERGENCY, TriageStep.WAITING):
        return refuse(draft)
    if value == NEVER_MIND and step in (TriageStep.MEANS, TriageStep.PLAN):
        return refuse(draft)
    item = draft.item
    if step is TriageStep.WAITING:
        return wait(draft, "say.waiting.here")
    if item is None:
        return _say_and_rest(draft, "say.settle.ordinary")
    if step is TriageStep.EMERGENCY:
        draft.say("emergency.repeat")
    draft.ask(item.id, step)
    return draft.done()


def _resting(draft: Draft, screening: Screening) -> ScriptStep:
    """Take words where no question stands."""
    if draft.state.step is TriageStep.WAITING:
        return wait(draft, "say.waiting.more")
    if screening.degraded:
        return _say_and_rest(draft, "say.degraded.now")
    if screening.clarify:
        draft.may_mean(screening)
        if draft.state.step is TriageStep.REFUSED and unasked(draft.state, draft.now):
            return _say_and_rest(draft, "say.refused.again")
        draft.ask(draft.words.clarify_item(screening))
        return draft.done()
    if draft.state.mode is not Mode.ORDINARY and draft.state.step is not TriageStep.REFUSED:
        draft.enter(TriageStep.GUARDED)
    return draft.done()


def _unclear(draft: Draft, before: TriageState, item: Item, text: str, screening: Screening) -> ScriptStep:
    """Take a typed reply that fits no answer: own words where they are asked for, once more, then as unsure."""
    if item.free:
        return take_words(draft, item, text)
    country = draft.words.country(text) if item.id == "el_country" else None
    if country:
        return take_answer(draft, before, item, country)
    if draft.state.step in _PASSING or item.step is TriageStep.FOLLOW_UP:
        draft.enter(TriageStep.GUARDED)
        return _resting(draft, screening)
    if item.step in (TriageStep.MISREAD, TriageStep.DEGRADED) and screening.clear:
        return _pass_back(draft)
    if item.step is TriageStep.DEGRADED and screening.degraded:
        draft.say("say.degraded.noted")
        draft.ask(item.id)
        return draft.done()
    if screening.crisis and Answer.UNSURE in item.choices:
        return take_answer(draft, before, item, Answer.SAID)
    if draft.words.leading(text) == item.risk and item.risk in item.choices:
        return take_answer(draft, before, item, item.risk)
    if item.step is TriageStep.EMERGENCY:
        draft.say("emergency.repeat")
        draft.ask(item.id)
        return draft.done()
    if not draft.state.reasked:
        step = draft.state.step
        draft.say("say.reask")
        draft.ask(item.id, step)
        draft.change(reasked=True)
        return draft.done()
    fallback = next(value for value in _FALLBACKS if value in item.choices)
    return take_answer(draft, before, item, fallback)


def _pass_back(draft: Draft) -> ScriptStep:
    """Ordinary words instead of an answer: the message goes on."""
    if draft.state.case_open:
        draft.enter(TriageStep.GUARDED)
        return draft.done()
    return draft.back_to_ordinary()


def _misheard(draft: Draft, screening: Screening) -> ScriptStep:
    """Ask about a transcript nobody confirmed; it answers nothing and pages nobody."""
    item, step = draft.item, draft.state.step
    if item is None and not screening.crisis:
        return _resting(draft, screening)
    if step is TriageStep.WAITING:
        return wait(draft, "say.waiting.more")
    if item is not None and (not screening.crisis or step in (TriageStep.VOICE, TriageStep.EMERGENCY)):
        draft.say("say.voice.tap")
        draft.ask(item.id, step)
        return draft.done()
    draft.may_mean(screening)
    draft.change(resume=draft.state.item)
    draft.ask("vo_heard")
    return draft.done()


def _say_and_rest(draft: Draft, key: str) -> ScriptStep:
    """Stay where the case is, with one text."""
    draft.say(key)
    return draft.done()
