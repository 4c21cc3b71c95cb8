"""What the script does when nobody writes: nudges, the page for somebody unresponsive, waits for a person, check-ins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.policy import Flag, load_policy
from safety.triage.draft import Draft
from safety.triage.endings import tomorrow
from safety.triage.facts import StudentFacts
from safety.triage.state import CheckInKind, TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.telling import Cause, last_contact
from safety.types import Mode, Severity

_UNHEARD = (TriageStep.CLARIFY, TriageStep.VOICE, TriageStep.DEGRADED)
"""Steps in which nothing is established yet: silence there calls nobody."""


def tick(state: TriageState, facts: StudentFacts, now: datetime) -> ScriptStep | None:
    """Return what to say and do because time has passed, or None.

    To be called for every open state about twice a minute; it is idempotent between changes of state.
    """
    draft = Draft(state, facts, now)
    if state.step is TriageStep.LIVE:
        return _person_silent(draft)
    if state.mode in (Mode.GUARDED, Mode.ORDINARY):
        return _check_in_due(draft)
    if state.step is TriageStep.WAITING:
        waited = _waiting(draft)
        if waited or _in_contact(draft):
            return waited
    return _silent(draft)


def _in_contact(draft: Draft) -> bool:
    """Whether a person wrote or is typing, so that silence is not left to the clock; to open a case is not to write."""
    delivery = draft.facts.delivery
    wrote = max(filter(None, (delivery.writing_at, delivery.last_person_at)), default=None)
    return wrote is not None and draft.now - wrote < load_policy().timing.person_silent


def _silent(draft: Draft) -> ScriptStep | None:
    """Silence after a question, or while waiting for a person.

    A survivor who told nobody may have had to leave fast: their silence calls nobody either.
    """
    state, timing = draft.state, load_policy().timing
    if state.step is TriageStep.SILENT:
        return None
    quiet = draft.now - state.last_student_at
    chosen = not state.confidential or state.tier.pages
    grave = state.severity.rank >= Severity.HIGH.rank or state.step is TriageStep.EMERGENCY
    if grave and chosen and state.step not in _UNHEARD:
        if quiet >= timing.unresponsive:
            return _unresponsive(draft)
        if quiet >= timing.nudge and state.nudged_at is None:
            return _nudge(draft)
        return None
    if quiet >= timing.lower_check_in:
        return _leave(draft)
    if quiet >= timing.lower_nudge and state.nudged_at is None:
        draft.say("say.silence.lower")
        draft.change(nudged_at=draft.now)
        return draft.done()
    return None


def _nudge(draft: Draft) -> ScriptStep:
    draft.say("say.silence.nudge")
    warn = draft.facts.staffed_now and not draft.state.confidential
    draft.say("say.silence.warn" if warn else "say.silence.warn_unstaffed")
    draft.change(nudged_at=draft.now)
    return draft.done()


def _unresponsive(draft: Draft) -> ScriptStep:
    """Call people: somebody at high or imminent risk has stopped answering."""
    before, item = draft.state, draft.state.item
    draft.say("say.silence.now")
    draft.learn(before.severity, flags=frozenset({Flag.UNRESPONSIVE}))
    draft.tell(before, Cause.SILENT)
    draft.enter(TriageStep.SILENT)
    draft.change(item=item, nudged_at=draft.now)
    draft.note("unresponsive")
    return draft.done()


def _leave(draft: Draft) -> ScriptStep:
    """Lower risk and no answer: stop asking, come back tomorrow. Words that may mean more are not taken for harmless."""
    if not draft.state.case_open and draft.state.unconfirmed is Severity.NONE:
        draft.say("say.silence.dropped")
        return draft.back_to_ordinary()
    draft.enter(TriageStep.GUARDED)
    draft.say("say.silence.later")
    draft.schedule(tomorrow(draft), CheckInKind.SILENCE)
    if draft.state.case_open:
        draft.schedule_follow_ups()
    return draft.done()


def _waiting(draft: Draft) -> ScriptStep | None:
    """Say what is true about the wait: nobody has opened it, or whoever did is quiet."""
    state, facts, timing = draft.state, draft.facts, load_policy().timing
    delivery = facts.delivery
    if delivery.opened_at is not None:
        heard = max(filter(None, (delivery.opened_at, delivery.writing_at, delivery.last_person_at)))
        if draft.now - heard >= timing.person_silent and state.silence_told_at is None:
            draft.say("say.waiting.person_silent")
            draft.change(silence_told_at=draft.now)
            return draft.done()
        return None
    if not facts.staffed_now or draft.now - state.since >= timing.give_up:
        draft.say("say.no_staff.gave_up" if facts.staffed_now else "say.no_staff.now")
        draft.ask("gd_check_in", TriageStep.NO_STAFF)
        return draft.done()
    if delivery.expected_by and draft.now >= delivery.expected_by and state.silence_told_at is None:
        draft.say("say.waiting.not_opened")
        draft.change(silence_told_at=draft.now)
        return draft.done()
    return None


def _person_silent(draft: Draft) -> ScriptStep | None:
    """A person is in the conversation and has not answered: offer the lines again, and call anew at high risk."""
    state, timing = draft.state, load_policy().timing
    heard = last_contact(state, draft.facts)
    unanswered = state.last_student_at > heard and draft.now - state.last_student_at >= timing.person_silent
    if not unanswered or state.silence_told_at is not None:
        return None
    draft.say("say.waiting.person_silent")
    call = draft.due(Cause.UNANSWERED)
    if call.pages:
        draft.share(call, Cause.UNANSWERED.value)
    draft.change(silence_told_at=draft.now)
    return draft.done()


def _check_in_due(draft: Draft) -> ScriptStep | None:
    """Come back as agreed or announced, also where the last time went unanswered; several due at once are one."""
    due = tuple(entry for entry in draft.state.check_ins if entry.at <= draft.now)
    if not due:
        return None
    left = tuple(entry for entry in draft.state.check_ins if entry not in due)
    draft.state = replace(draft.state, check_ins=left)
    draft.ask("fu_how")
    return draft.done()
