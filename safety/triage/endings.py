"""Where the questions end: waiting for a person, nobody there, guarded, refused, safe with help, misread, well again."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safety.policy import load_policy
from safety.triage.delivery import delivery_status
from safety.triage.draft import Draft
from safety.triage.state import CheckInKind, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.telling import Cause, running
from safety.types import Severity


def settle(draft: Draft) -> ScriptStep:
    """End the questions: wait for the person who was called, or say that nobody is there, or go on guarded.

    Nobody waits for a call that is over: it is made again first. Where the answers opened no case, the ordinary
    conversation goes on.
    """
    if not draft.state.case_open:
        draft.say("say.settle.ordinary")
        return draft.back_to_ordinary()
    draft.schedule_follow_ups()
    if draft.state.tier.pages and not draft.state.human_contact:
        if not running(draft.state, draft.now).pages:
            draft.share(draft.state.tier, Cause.UNANSWERED.value)
        if draft.facts.staffed_now:
            draft.enter(TriageStep.WAITING)
            say_wait(draft, "say.waiting.now")
            if "wt_where" not in draft.state.asked:
                draft.ask("wt_where")
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
        ending, by_time = draft.words.hour(delivery.expected_by, draft.now, draft.facts.zone)
        draft.say(f"say.waiting.expected{ending}", by_time=by_time)


def wait(draft: Draft, key: str) -> ScriptStep:
    """Go on waiting for the person who was called."""
    say_wait(draft, key)
    return draft.done()


def guard(draft: Draft) -> ScriptStep:
    """Go on with all tools, lower thresholds, and a check-in if none is agreed."""
    if any(entry.kind is CheckInKind.AGREED for entry in draft.state.check_ins):
        draft.enter(TriageStep.GUARDED)
        draft.say("say.settle.ordinary")
    else:
        draft.say("say.settle.ordinary")
        draft.ask("gd_check_in")
    return draft.done()


def refuse(draft: Draft) -> ScriptStep:
    """Accept that the student will not answer; the tier stays with the evidence."""
    draft.enter(TriageStep.REFUSED)
    draft.say("say.refused.accept")
    draft.note("refused_questions")
    draft.schedule_follow_ups()
    return draft.done()


def safe_with_help(draft: Draft) -> ScriptStep:
    """Help is reached: confirm, stop asking; the case stays open."""
    draft.enter(TriageStep.SAFE_WITH_HELP)
    draft.say("say.safe.help")
    draft.note("help_reached")
    draft.schedule_follow_ups()
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


def rest(draft: Draft) -> ScriptStep:
    """Go on guarded without a word."""
    draft.enter(TriageStep.GUARDED)
    return draft.done()


def unsaid(draft: Draft) -> ScriptStep:
    """The student will not say what unclear words meant: nothing is asked, and nothing is taken for harmless."""
    if draft.state.case_open:
        return back(draft)
    draft.enter(TriageStep.GUARDED)
    draft.say("say.misread.unsaid")
    draft.schedule(tomorrow(draft), CheckInKind.SILENCE)
    return draft.done()


def stay_guarded(draft: Draft) -> ScriptStep:
    """Go on guarded after a check-in that found no change."""
    draft.enter(TriageStep.GUARDED)
    draft.say("say.follow_up.same")
    return draft.done()


def wait_on(draft: Draft) -> ScriptStep:
    """Go on waiting, with what the person needs to know first written down."""
    draft.enter(TriageStep.WAITING)
    say_wait(draft, "say.waiting.noted")
    return draft.done()
