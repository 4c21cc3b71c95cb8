"""Which path a message takes, once it is screened and its conversation is known. Pure, but for a line in the log.

It never raises: whatever breaks in the script, the message is stored, answered, and people are called by its screening.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from conversations.first_transaction import Path
from conversations.snapshot import Snapshot
from core.logs import get_logger
from safety.script import advance, broken_reply, counselor_takes_over, degraded_reply, open_triage
from safety.triage.facts import InputKind
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening

log = get_logger("conversations.judgement")


def decide(
    snapshot: Snapshot, text: str, screening: Screening, kind: InputKind, now: datetime
) -> tuple[Path, ScriptStep | None]:
    """Choose the path of a turn; the agents get it only when nothing else has a claim."""
    try:
        return _choose(snapshot, text, screening, kind, now)
    except Exception as error:  # a script that breaks must cost nobody their answer, nor the people who are to come
        log.error("script_broke", conversation=str(snapshot.conversation_id), exc_info=error)
        step = broken_reply(snapshot.triage, snapshot.mode, screening, replace(snapshot.facts, input=kind), now)
        return "live_person" if snapshot.mode is Mode.LIVE_PERSON else "careful", step


def _choose(
    snapshot: Snapshot, text: str, screening: Screening, kind: InputKind, now: datetime
) -> tuple[Path, ScriptStep | None]:
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
        if screening.clear and snapshot.triage_unreadable:
            return "careful", degraded_reply(facts, now, state)
        if screening.clear:
            return "agent", step
        # Whatever stands is never begun anew from nothing.
        reply = degraded_reply(facts, now, step.state or state)
        return "careful", replace(reply, effects=(*step.effects, *reply.effects))
    if snapshot.mode is Mode.LIVE_PERSON:
        return "live_person", None
    if screening.crisis or screening.clarify:
        return "script", open_triage(screening, facts, now)
    ordinary = snapshot.mode in (Mode.ORDINARY, Mode.GUARDED) and not snapshot.triage_unreadable
    return ("agent", None) if screening.clear and ordinary else ("careful", degraded_reply(facts, now))
