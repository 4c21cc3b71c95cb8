"""What a counselor does to the script: joins, hands back, regrades. Nothing here happens without a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from safety.triage.draft import Draft, begin
from safety.triage.facts import StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.triage.words import words_for
from safety.types import Category, Severity


def counselor_takes_over(state: TriageState | None, facts: StudentFacts, now: datetime) -> ScriptStep:
    """A counselor joins, also where no script was running: the companion is silent from here."""
    known = state or begin(Category.NONE, facts, now).state
    draft = Draft(replace(known, human_contact=True, resume=None), facts, now)
    draft.enter(TriageStep.LIVE)
    draft.say("say.live.joined")
    return draft.done()


def hand_back(state: TriageState, message: str, facts: StudentFacts, now: datetime) -> ScriptStep:
    """A counselor ends their part with a message; the conversation goes on guarded.

    Raises:
        ValueError: nobody is there to hand back, or the message is empty.
    """
    if state.step is not TriageStep.LIVE or not message.strip():
        raise ValueError("a hand-back needs a person in the conversation and a message")
    # Whoever was called has been and gone: what is said from here on calls anew.
    draft = Draft(replace(state, human_contact=True, flags=frozenset(), told_at=None), facts, now)
    draft.enter(TriageStep.GUARDED)
    draft.say("say.live.handed_back", message=message.strip())
    draft.schedule_follow_ups()
    return draft.done()


def caring_message(number: int, counselor: str, language: str) -> str:
    """Return a short message that asks for nothing, signed by the counselor who chose to send it.

    Caring contacts after a crisis follow Motto & Bostrom (2001); `number` counts them from zero and they repeat.
    """
    words = words_for(language)
    texts = words.tree["caring"]
    return f"{texts[number % len(texts)]}\n{counselor}"


def counselor_regrades(state: TriageState, severity: Severity, reason: str) -> TriageState:
    """Set the severity by a counselor's judgement, the only way by which it falls.

    Raises:
        ValueError: no reason is given.
    """
    if not reason.strip():
        raise ValueError("a severity changes only with a reason")
    return replace(state, severity=severity, matter=severity)
