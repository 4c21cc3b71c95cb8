"""The triage machine: what the service says in a crisis, as a pure function of state, words and facts.

No language model takes part. Every text is fixed and versioned (`data/scripts/`), every step carries a line, a person or
the plan, severity only rises, and who is told what is said before it is sent. States and transitions are those of the
crisis protocol; the declared table is in `data/scripts/flow.yaml`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.policy import Tier, decide, load_policy
from safety.triage_delivery import delivery_status
from safety.triage_draft import DISCREET, Draft
from safety.triage_endings import agree_check_in, back, refuse, say_wait
from safety.triage_entry import ask_country, emergency, is_emergency, open_case
from safety.triage_flow import Item, load_flow
from safety.triage_moves import call_person, done_something, take_answer, take_words
from safety.triage_opening import degraded_reply, open_follow_up, open_screener, open_triage, resume
from safety.triage_people import caring_message, counselor_regrades, counselor_takes_over, hand_back
from safety.triage_rehearsal import Rehearsal, rehearse
from safety.triage_silence import tick
from safety.triage_types import Answer, InputKind, ScriptStep, StudentFacts, TriageState, TriageStep
from safety.triage_words import DONE_SOMETHING, ELSEWHERE, HERE, NEVER_MIND, STOP, WANT_PERSON
from safety.types import Category, Mode, Screening, Severity

__all__ = [
    "Rehearsal",
    "advance",
    "caring_message",
    "counselor_regrades",
    "counselor_takes_over",
    "degraded_reply",
    "delivery_status",
    "hand_back",
    "open_follow_up",
    "open_screener",
    "open_triage",
    "rehearse",
    "tick",
]

_RESTING = frozenset(
    {
        TriageStep.GUARDED, TriageStep.NO_STAFF, TriageStep.FOLLOW_UP, TriageStep.MISREAD,
        TriageStep.DEGRADED, TriageStep.CLARIFY, TriageStep.VOICE,
    }
)  # fmt: skip
"""Steps in which new crisis words open the script anew."""
_UNHEARD = (TriageStep.CLARIFY, TriageStep.VOICE)
_LIGHTER = (Category.THIRD_PARTY, Category.AI_HARM, Category.NONE)
"""Matters that give way to any other."""
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
        return _beside_a_person(draft, screening)
    before = draft.state
    if facts.input is InputKind.VOICE_UNCONFIRMED:
        return _misheard(draft, screening)
    value = draft.words.read(text, draft.choices, phrases=state.mode is Mode.TRIAGE)
    if screening.crisis:
        found = _hear(draft, before, screening, value)
        if found:
            return found
    if value in (DONE_SOMETHING, STOP, NEVER_MIND, WANT_PERSON, ELSEWHERE, HERE):
        return _anywhere(draft, before, value)
    item = draft.item
    if item is None:
        return _resting(draft, screening)
    if value is not None and value in item.choices:
        if screening.crisis and value != item.risk and Answer.UNSURE in item.choices:
            value = Answer.UNSURE
        if item.id == "gd_check_in":
            return agree_check_in(draft, value)
        return take_answer(draft, before, item, value)
    return _unclear(draft, before, item, text, screening)


def _hear(draft: Draft, before: TriageState, screening: Screening, value: str | None) -> ScriptStep | None:
    """Take in crisis words; return the reply if they change the course, or None to go on with the answer."""
    state = draft.state
    step = _standing(state)
    category = next((one for one in (screening.category, state.category) if one is not Category.NONE), Category.SUICIDE)
    held = step is TriageStep.REFUSED and draft.now - state.since < load_policy().timing.refusal_holds
    anew = (step in _RESTING or step is TriageStep.REFUSED) and not held
    told = Tier.NONE if anew else state.tier
    urgent = decide(category, screening.severity).tier.rank > told.rank
    worse = urgent or screening.severity.rank > state.matter.rank
    first_aid = is_emergency(category, screening.severity) and step is not TriageStep.SAFE_WITH_HELP
    turned = category is not state.category and (worse or anew or first_aid or state.category in _LIGHTER)
    turned = turned and step is not TriageStep.EMERGENCY
    draft.change(confidential=state.confidential or category in DISCREET, unconfirmed=Severity.NONE)
    if anew and state.case_open:
        draft.new_episode(category, screening.severity)
    draft.learn(screening.severity, category if turned else None)
    if first_aid and step is not TriageStep.EMERGENCY:
        return emergency(draft, before)
    if held or step is TriageStep.SAFE_WITH_HELP:
        draft.tell(before)
        draft.say("say.refused.again" if held else "say.safe.still")
        return draft.done()
    if step is TriageStep.WAITING:
        draft.tell(before)
        return _wait(draft, "say.waiting.more")
    if value == DONE_SOMETHING:
        return None
    if anew or not state.case_open:
        return open_case(draft, before)
    if turned:
        return open_case(draft, before, "turned")
    draft.tell(before)
    return None


def _standing(state: TriageState) -> TriageStep:
    """The step that counts: while the country is asked, it is the one that goes on after."""
    if state.step is not TriageStep.ELSEWHERE:
        return state.step
    return load_flow().items[state.resume].step if state.resume else TriageStep.GUARDED


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
    if value == STOP and step in (TriageStep.MISREAD, TriageStep.DEGRADED):
        return back(draft)
    if value == STOP and step not in (TriageStep.EMERGENCY, TriageStep.WAITING):
        return refuse(draft)
    if value == NEVER_MIND and step in (TriageStep.MEANS, TriageStep.PLAN):
        return refuse(draft)
    item = draft.item
    if step is TriageStep.WAITING:
        return _wait(draft, "say.waiting.here")
    if item is None:
        return _say_and_rest(draft, "say.settle.ordinary")
    if step is TriageStep.EMERGENCY:
        draft.say("emergency.repeat")
    draft.ask(item.id, step)
    return draft.done()


def _resting(draft: Draft, screening: Screening) -> ScriptStep:
    """Take words where no question stands."""
    if draft.state.step is TriageStep.WAITING:
        return _wait(draft, "say.waiting.more")
    if screening.degraded:
        return _say_and_rest(draft, "say.degraded.now")
    if screening.clarify and draft.state.step is not TriageStep.REFUSED:
        draft.may_mean(screening)
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
        return take_answer(draft, before, item, Answer.UNSURE)
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
        return _wait(draft, "say.waiting.more")
    if item is not None and (not screening.crisis or step in (TriageStep.VOICE, TriageStep.EMERGENCY)):
        draft.say("say.voice.tap")
        draft.ask(item.id, step)
        return draft.done()
    draft.may_mean(screening)
    draft.change(resume=draft.state.item)
    draft.ask("vo_heard")
    return draft.done()


def _wait(draft: Draft, key: str) -> ScriptStep:
    """Go on waiting for the person who was called."""
    say_wait(draft, key)
    return draft.done()


def _say_and_rest(draft: Draft, key: str) -> ScriptStep:
    """Stay where the case is, with one text."""
    draft.say(key)
    return draft.done()


def _beside_a_person(draft: Draft, screening: Screening) -> ScriptStep:
    """A person is in the conversation: say nothing; let them see that it became worse."""
    before = draft.state
    if screening.crisis and draft.facts.input is not InputKind.VOICE_UNCONFIRMED:
        draft.learn(screening.severity)
        if draft.state.severity is not before.severity:
            draft.raise_quietly(screening.category)
    return replace(draft.done(), mode=Mode.LIVE_PERSON)
