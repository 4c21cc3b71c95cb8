"""The triage script: what the service says in a crisis, as a pure function of state, words and facts.

No language model takes part. Every text is fixed and versioned (`data/scripts/`), every step carries a line, a person or
the plan, severity only rises, and who is told what is said before it is sent. States and transitions are those of the
crisis protocol; the declared table is in `data/scripts/flow.yaml`. The machine itself is the package `safety.triage`.
"""

from __future__ import annotations

from safety.triage.asking import open_asked
from safety.triage.broken import broken_reply
from safety.triage.delivery import delivery_status, direct_call_words
from safety.triage.heard_again import heard_again
from safety.triage.live_person import caring_message, counselor_regrades, counselor_takes_over, hand_back
from safety.triage.machine import advance
from safety.triage.opening import degraded_reply, gentle_check_in, open_follow_up, open_screener, open_triage
from safety.triage.rehearsal import Rehearsal, rehearse
from safety.triage.silence import tick

__all__ = [
    "Rehearsal",
    "advance",
    "broken_reply",
    "caring_message",
    "counselor_regrades",
    "counselor_takes_over",
    "degraded_reply",
    "delivery_status",
    "direct_call_words",
    "gentle_check_in",
    "hand_back",
    "heard_again",
    "open_asked",
    "open_follow_up",
    "open_screener",
    "open_triage",
    "rehearse",
    "tick",
]
