"""What the student is told before anything is sent: why, to whom, to whom not, and what may follow."""

from __future__ import annotations

from datetime import datetime

from safety.hours import staffed_until
from safety.policy import Tier, load_policy
from safety.triage.facts import StudentFacts
from safety.triage.state import TriageState
from safety.triage.words import words_for


def sharing_notice(tier: Tier, reason: str, state: TriageState, facts: StudentFacts, now: datetime) -> str:
    """Return the notice of a call at a tier.

    Args:
        tier: how fast people are called.
        reason: key of `sharing.because`.
        state: the case; a confidential one names confidential staff only.
        facts: who the student is, and whether somebody is on duty.
        now: the moment of the turn, timezone-aware.
    """
    words = words_for(state.language)
    named = {
        "because": words.text(f"sharing.because.{reason}"),
        "who": words.text(f"sharing.who.{_who(tier, state, facts)}"),
        "not_who": words.text(f"sharing.not_who.{_not_who(state, facts)}"),
        "unstaffed": words.unstaffed(facts),
    }
    kind = "page" if tier.pages else "later"
    if facts.cut_off:
        kind += "_cut_off"
    if tier.pages and not facts.staffed_now:
        kind += "_unstaffed"
    return words.text(f"sharing.{kind}", by=_by(tier, state, facts, now), **named)


def _who(tier: Tier, state: TriageState, facts: StudentFacts) -> str:
    if state.confidential:
        return "confidential"
    if not tier.pages or not facts.staffed_now:
        return "staff"
    return "_".join(load_policy().tiers[tier].told)


def _not_who(state: TriageState, facts: StudentFacts) -> str:
    return "minor" if facts.minor else "confidential" if state.confidential else "adult"


def _by(tier: Tier, state: TriageState, facts: StudentFacts, now: datetime) -> str:
    words = words_for(state.language)
    if tier.pages:
        return ""
    if not facts.staffed_now:
        return words.text("sharing.by.unstaffed", unstaffed=words.unstaffed(facts))
    within = load_policy().tiers[tier].ack_within
    if tier is not Tier.SAME_DAY or within is None:
        return words.text(f"sharing.by.{tier.value}")
    ending, by_time = words.hour(staffed_until(facts.shifts, now, within), now, facts.zone)
    return words.text(f"sharing.by.same_day{ending}", by_time=by_time)
