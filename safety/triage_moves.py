"""The moves of the triage machine: how a case opens, what an answer leads to, where a track ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safety.policy import Flag, TurnKind, decide, load_policy
from safety.resources import region_of
from safety.triage_buttons import NOT_ABOUT_THE_STUDENT
from safety.triage_delivery import delivery_status
from safety.triage_draft import Draft
from safety.triage_flow import Item, load_flow
from safety.triage_types import (
    Answer,
    CheckInKind,
    InputKind,
    RecordAnswer,
    ScriptStep,
    TriageState,
    TriageStep,
)
from safety.triage_words import clock_time
from safety.types import Category, Mode, Severity

_SKIPS_BEFORE_ACCEPTING = 2
_RETURNING = (Category.SUICIDE, Category.SELF_HARM)
"""Matters in which a student who comes back is asked what is different, without an introduction."""


def open_case(draft: Draft, before: TriageState, intro: str | None = None) -> ScriptStep:
    """Enter the script of the case's category: what comes first there, who is told, the first question."""
    if draft.decision().turn is TurnKind.EMERGENCY:
        return emergency(draft, before)
    state, facts = draft.state, draft.facts
    again = intro is None and (state.case_open or facts.earlier_case) and state.category in _RETURNING
    draft.say(f"intro.{intro or ('again' if again else _intro(draft))}")
    if state.severity.rank >= Severity.HIGH.rank:
        draft.say("urgent.default")
    draft.tell(before)
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


def take_answer(draft: Draft, before: TriageState, item: Item, value: str) -> ScriptStep:
    """Record an answer, tell people if it made the case more urgent, and go where it leads."""
    outcome, where = item.outcome(value)
    draft.state = draft.state.with_answer(item.id, value)
    skipped = value == Answer.REFUSED and item.step is TriageStep.SCREEN
    draft.change(refusals=draft.state.refusals + 1 if skipped else 0, item=None, reasked=False)
    draft.learn(outcome.severity, outcome.switch, outcome.flags)
    if item.id == "el_country":
        return _set_country(draft, before, value)
    if item.id == "vo_heard" and value == Answer.NO and draft.state.resume:
        where = "@resume"
    if outcome.say:
        draft.say(f"say.{outcome.say}" if draft.words.has(f"say.{outcome.say}") else outcome.say)
    if outcome.raises and where != "@open":
        draft.tell(before, "asked" if Flag.STUDENT_ASKS in outcome.flags else "words")
    if draft.state.case_open and item.record:
        draft.effects.append(RecordAnswer(item.id, str(value)))
    if draft.state.refusals >= _SKIPS_BEFORE_ACCEPTING:
        return refuse(draft)
    return _go(draft, before, where)


def take_words(draft: Draft, item: Item, text: str) -> ScriptStep:
    """Record the student's own words for a question that asks for them, and go on."""
    draft.state = draft.state.with_answer(item.id, "given")
    if draft.state.case_open:
        draft.effects.append(RecordAnswer(item.id, text))
    draft.change(item=None)
    return _go(draft, draft.state, item.next or "@settle")


def refuse(draft: Draft) -> ScriptStep:
    """Accept that the student will not answer; the tier stays with the evidence."""
    draft.enter(TriageStep.REFUSED)
    draft.say("say.refused.accept")
    draft.note("refused_questions")
    draft.schedule_follow_ups()
    return draft.done()


def settle(draft: Draft) -> ScriptStep:
    """End the questions: wait for the person who was called, or say that nobody is there, or go on guarded.

    Where the answers opened no case, the ordinary conversation goes on.
    """
    if not draft.state.case_open:
        draft.say("say.settle.ordinary")
        return draft.back_to_ordinary()
    draft.schedule_follow_ups()
    if draft.state.tier.pages and not draft.state.human_contact:
        if draft.facts.staffed_now:
            draft.enter(TriageStep.WAITING)
            say_wait(draft, "say.waiting.now")
        else:
            draft.say("say.no_staff.now")
            draft.ask("gd_check_in", TriageStep.NO_STAFF)
        return draft.done()
    return guard(draft)


def say_wait(draft: Draft, key: str) -> None:
    """Say a text about the wait, then what is true about it: the stored delivery state and until when it is due."""
    delivery = draft.facts.delivery
    draft.say(key)
    status = delivery_status(delivery, draft.state.language, draft.facts.zone)
    if status:
        draft.messages.append(status)
    if delivery.opened_at is None and delivery.expected_by is not None and delivery.expected_by > draft.now:
        draft.say("say.waiting.expected", by_time=clock_time(delivery.expected_by, draft.facts.zone))


def guard(draft: Draft) -> ScriptStep:
    """Go on with all tools, lower thresholds, and a check-in if none is agreed."""
    if any(entry.kind is CheckInKind.AGREED for entry in draft.state.check_ins):
        draft.enter(TriageStep.GUARDED)
        draft.say("say.settle.ordinary")
    else:
        draft.say("say.settle.ordinary")
        draft.ask("gd_check_in")
    return draft.done()


def back(draft: Draft) -> ScriptStep:
    """Return from a misread: to the ordinary conversation, or guarded where explicit words keep a case."""
    if not draft.state.case_open:
        draft.say("say.misread.back")
        return draft.back_to_ordinary()
    draft.note("student_says_misread")
    draft.enter(TriageStep.GUARDED)
    draft.say("say.misread.kept" if draft.state.tier.rank else "say.misread.back")
    draft.schedule_follow_ups()
    return draft.done()


def well(draft: Draft) -> ScriptStep:
    """End a check-in that went well: high and imminent stay guarded until a person has been in contact."""
    draft.note("check_in_well")
    if draft.state.severity.rank >= Severity.HIGH.rank and not draft.state.human_contact:
        draft.enter(TriageStep.GUARDED)
        draft.say("say.follow_up.better_guarded")
        return draft.done()
    draft.say("say.follow_up.better")
    return draft.back_to_ordinary()


def agree_check_in(draft: Draft, value: str) -> ScriptStep:
    """Book the check-in the student chose."""
    timing = load_policy().timing
    draft.state = draft.state.with_answer("gd_check_in", value)
    draft.enter(TriageStep.GUARDED)
    if value == "no_check_in":
        draft.say("say.check_in.none")
        return draft.done()
    at = draft.now + timing.check_in if value == "in_hours" else tomorrow(draft)
    draft.say("say.check_in.agreed", when=draft.words.moment(at, draft.facts.zone))
    draft.schedule(at, CheckInKind.AGREED)
    return draft.done()


def tomorrow(draft: Draft) -> datetime:
    """Return tomorrow's check-in hour in the student's zone."""
    local = draft.now.astimezone(ZoneInfo(draft.words.zone(draft.facts.zone)))
    return (local + timedelta(days=1)).replace(
        hour=load_policy().timing.tomorrow_hour, minute=0, second=0, microsecond=0
    )


def call_person(draft: Draft, before: TriageState) -> ScriptStep:
    """Call a person because the student asks, whatever the matter."""
    standing = draft.state.item
    already = draft.state.tier.pages
    resting = draft.state.mode in (Mode.GUARDED, Mode.ORDINARY)
    draft.learn(flags=frozenset({Flag.STUDENT_ASKS}))
    if resting:
        draft.change(human_contact=False)
    draft.tell(before, "asked")
    if already and resting:
        draft.share(draft.state.tier, "asked")
    elif already:
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


def safe_with_help(draft: Draft) -> ScriptStep:
    """Help is reached: confirm, stop asking; the case stays open."""
    draft.enter(TriageStep.SAFE_WITH_HELP)
    draft.say("say.safe.help")
    draft.note("help_reached")
    draft.schedule_follow_ups()
    return draft.done()


def _go(draft: Draft, before: TriageState, where: str) -> ScriptStep:
    """Go to an item or take a jump."""
    if where in load_flow().items:
        draft.ask(where)
        return draft.done()
    track = load_flow().tracks.get(draft.state.category)
    match where:
        case "@first" if track:
            ask_first(draft, track.first)
        case "@then" if track and track.then == "means" and _at_risk(draft.state):
            draft.ask("md_distance")
        case "@plan":
            _ask_plan(draft)
        case "@emergency":
            draft.ask("em_help")
        case "@open":
            return _open_unclear(draft, before)
        case "@resume" if draft.state.resume:
            where = draft.state.resume
            draft.change(resume=None)
            draft.say("say.voice.misheard")
            draft.ask(where)
        case "@safe":
            return safe_with_help(draft)
        case "@back":
            return back(draft)
        case "@well":
            return well(draft)
        case "@guarded":
            draft.enter(TriageStep.GUARDED)
            draft.say("say.follow_up.same")
        case _:
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
    terms = draft.facts.crisis_terms
    if terms and terms.helps:
        draft.say("say.plan.terms", helps=terms.helps)
    if terms and terms.call_first:
        draft.say("say.plan.call_first", call_first=terms.call_first)
    draft.ask("pl_own" if draft.facts.has_plan else "pl_step")


def _set_country(draft: Draft, before: TriageState, value: str) -> ScriptStep:
    resume = draft.state.resume
    draft.change(region=None if value == "other" else value, resume=None)
    draft.say("say.elsewhere.unknown" if value == "other" else "say.elsewhere.known")
    if draft.state.case_open:
        draft.effects.append(RecordAnswer("el_country", value))
    if resume is None:
        return settle(draft)
    return _go(draft, before, resume)


def _at_risk(state: TriageState) -> bool:
    """Whether the answers or the words give reason to talk about means, people and a plan."""
    worrying = {Answer.YES, Answer.UNSURE}
    asked = ("wish", "thoughts", "sh_urge", "sh_thoughts")
    return state.severity.rank >= Severity.MODERATE.rank or any(state.answers.get(item) in worrying for item in asked)


def _intro(draft: Draft) -> str:
    name = draft.state.category.value
    if draft.decision().tier.rank and draft.words.has(f"intro.{name}_danger"):
        return f"{name}_danger"
    return name if draft.words.has(f"intro.{name}") else "default"


def is_emergency(category: Category, severity: Severity) -> bool:
    """Whether a signal by itself calls for the emergency script."""
    return decide(category, severity).turn is TurnKind.EMERGENCY
