"""Which path a message takes, once it is screened and its conversation is known. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from conversations.first_transaction import Path
from conversations.snapshot import Snapshot
from safety.script import advance, counselor_takes_over, degraded_reply, open_triage
from safety.triage.facts import InputKind
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening


def decide(
    snapshot: Snapshot, text: str, screening: Screening, kind: InputKind, now: datetime
) -> tuple[Path, ScriptStep | None]:
    """Choose the path of a turn; the agents get it only when nothing else has a claim."""
    facts = replace(snapshot.facts, input=kind)
    state = snapshot.triage
    if state is None and snapshot.mode is Mode.LIVE_PERSON and not snapshot.triage_unreadable:
        state = counselor_takes_over(None, facts, now).state  # A person is there although the script has no state.
    if state is not None:
        step = advance(state, text, screening, facts, now)
        if step.mode is Mode.LIVE_PERSON:
            return "live_person", step
        if not step.passes_on:
            return "script", step
        if screening.clear:
            return "agent", step
        if screening.degraded and not (screening.crisis or screening.clarify):
            return "careful", degraded_reply(facts, now, state)
    if snapshot.mode is Mode.LIVE_PERSON:
        return "live_person", None
    if screening.crisis or screening.clarify:
        return "script", open_triage(screening, facts, now)
    ordinary = snapshot.mode in (Mode.ORDINARY, Mode.GUARDED) and not snapshot.triage_unreadable
    return ("agent", None) if screening.clear and ordinary else ("careful", degraded_reply(facts, now))
