"""Where a conversation stands after the script went on without knowing all that is stored about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from safety.triage.state import TriageState
from safety.types import highest


def joined(stored: TriageState | None, base: TriageState | None, went_on: TriageState, now: datetime) -> TriageState:
    """Return the state after a replay.

    Args:
        stored: what the database holds.
        base: what the script knew when it went on; None for nothing.
        went_on: where it went.
        now: the moment of the replay; silence is counted from here, since nobody could listen before.
    """
    here = replace(went_on, since=now, last_student_at=now)
    if stored is None or (base is not None and _timeless(stored) == _timeless(base)):
        return here
    return replace(
        here,
        severity=highest(stored.severity, went_on.severity),
        matter=highest(stored.matter, went_on.matter),
        tier=max(stored.tier, went_on.tier, key=lambda tier: tier.rank),
        told_at=max(filter(None, (stored.told_at, went_on.told_at)), default=None),
        flags=stored.flags | went_on.flags,
        asked=tuple(dict.fromkeys((*stored.asked, *went_on.asked))),
        answers=MappingProxyType({**stored.answers, **went_on.answers}),
        case_open=stored.case_open or went_on.case_open,
        human_contact=stored.human_contact and not went_on.tier.pages,
        confidential=stored.confidential or went_on.confidential,
        check_ins=tuple(dict.fromkeys((*stored.check_ins, *went_on.check_ins))),
        region=went_on.region or stored.region,
    )


def _timeless(state: TriageState) -> TriageState:
    return replace(state, since=state.since.min, last_student_at=state.since.min)
