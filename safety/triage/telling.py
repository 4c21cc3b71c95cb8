"""When people are told again: the one rule behind words, answers, a wish for a person, silence and waits.

A call runs for as long as its ladder may still climb. After that it was answered or it failed, and either way it says
nothing about what is said now: yesterday's call never stands for tonight's. Only a running call at least as urgent, or a
person who is in the conversation at this moment, keeps people from being called anew; in an emergency only the call does.
Not asking the student anything is no reason not to tell.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from safety.policy import Decision, Tier, TurnKind, load_policy
from safety.triage.facts import StudentFacts
from safety.triage.state import TriageState, TriageStep


class Cause(StrEnum):
    """Why people may have to be told; a key of `sharing.because`."""

    WORDS = "words"
    """The student's words, or an answer."""
    ASKED = "asked"
    """The student asks for a person."""
    SILENT = "silent"
    """The student stopped answering."""
    UNANSWERED = "unanswered"
    """The student wrote, and the person who is there did not answer."""


_NEWS = (Cause.SILENT, Cause.UNANSWERED)
"""Facts that no earlier call was about; the clock brings each up once a silence."""


def due(cause: Cause, decision: Decision, state: TriageState, facts: StudentFacts, now: datetime) -> Tier:
    """Return the tier at which people are to be called now; `Tier.NONE` when nobody is.

    Args:
        cause: why they may have to be told.
        decision: what the policy says about the matter as it is known now.
        state: what people have been told so far, and when.
        facts: whether a person is in the conversation.
        now: the moment, timezone-aware.
    """
    wanted = decision.tier
    if cause in _NEWS:
        return max(wanted, state.tier, key=lambda tier: tier.rank)
    if wanted.rank <= running(state, now).rank:
        return Tier.NONE
    known = cause is Cause.ASKED or wanted.rank <= state.tier.rank
    emergency = decision.turn is TurnKind.EMERGENCY or wanted is Tier.PAGE_ALL
    if known and not emergency and accompanied(state, facts, now):
        return Tier.NONE
    return wanted


def running(state: TriageState, now: datetime) -> Tier:
    """Return the tier of the call that still runs; `Tier.NONE` when the last one is over or there was none."""
    policy = load_policy()
    lasts = policy.timing.give_up
    if not state.tier.pages:
        lasts = policy.tiers[state.tier].ack_within or lasts
    fresh = state.told_at is not None and now - state.told_at < lasts
    return state.tier if fresh else Tier.NONE


def accompanied(state: TriageState, facts: StudentFacts, now: datetime) -> bool:
    """Whether a person is with the student in the conversation: they joined, wrote or typed just now, and can read along."""
    here = state.step is TriageStep.LIVE and not facts.cut_off
    return here and now - last_contact(state, facts) < load_policy().timing.person_silent


def last_contact(state: TriageState, facts: StudentFacts) -> datetime:
    """When a person was last heard of, counted from the state's last step at the earliest."""
    delivery = facts.delivery
    return max(filter(None, (state.since, delivery.writing_at, delivery.last_person_at)))
