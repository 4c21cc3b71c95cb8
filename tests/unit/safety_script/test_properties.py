"""Any student, any words, any hour: a stateful search for a reply that breaks the protocol.

Words go through `decide`, which chooses the path of a turn: what it does around the machine is searched as well.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conversations import judgement
from conversations.snapshot import Snapshot
from core.clock import ManualClock
from safety.script import (
    counselor_regrades,
    counselor_takes_over,
    degraded_reply,
    hand_back,
    open_screener,
    tick,
)
from safety.triage.facts import CrisisTerms, DeliveryFacts, InputKind, StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening, Severity
from tests.unit.safety_script.checks import faults
from tests.unit.safety_script.walks import (
    BROKEN,
    CATEGORIES,
    CLEAR,
    GRAVE,
    MONDAY,
    NOW,
    RESTS,
    TAPS,
    Move,
    crisis,
    unclear,
)

SEVERITIES = st.sampled_from([severity for severity in Severity if severity is not Severity.NONE])
VERDICTS = st.one_of(
    st.just(CLEAR),
    st.just(BROKEN),
    st.builds(unclear, st.sampled_from(["words", "not coming back"]), st.sampled_from(CATEGORIES)),
    st.builds(crisis, st.sampled_from(CATEGORIES), SEVERITIES),
)
STUDENTS = st.builds(
    StudentFacts,
    language=st.sampled_from(["en", "es", "fr"]),
    region=st.sampled_from([None, "us", "us-ca", "gb", "in", "de", "br"]),
    zone=st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kolkata", "Nowhere/None"]),
    minor=st.booleans(),
    has_plan=st.booleans(),
    crisis_terms=st.sampled_from([None, CrisisTerms(), CrisisTerms("the dog", "my aunt")]),
    staffed_now=st.booleans(),
    next_staffed=st.sampled_from([None, MONDAY]),
    earlier_case=st.booleans(),
    input=st.sampled_from(InputKind),
)
WORDS = st.one_of(
    st.sampled_from(
        [
            "yes",
            "no",
            "no he wont leave me alone",
            "yes, stop asking",
            "no i want to die",
            "idk",
            "nvm",
            "stop asking",
            "i already took them",
            "leave",
            "Germany",
            "",
        ]
    ),
    st.text(max_size=40),
)
OPEN = judgement.open_triage
MINUTES = st.sampled_from([1, 2, 3, 5, 11, 31, 125, 24 * 60 + 1, 8 * 24 * 60])


class Conversation(RuleBasedStateMachine):
    """A student, the clock and counselors, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(NOW)
        self.facts = StudentFacts()
        self.state: TriageState | None = None
        self.step: ScriptStep | None = None
        self.trouble: list[str] = []

    @initialize(facts=STUDENTS)
    def begin(self, facts: StudentFacts) -> None:
        self.facts = facts

    def take(self, before: TriageState | None, what: str, step: ScriptStep, verdict: Screening | None = None) -> None:
        self.trouble += faults(Move(before, what, self.facts, step, verdict, self.clock.now()))
        self.state, self.step = step.state, step

    def decides(self, text: str, verdict: Screening, facts: StudentFacts, tapped: str | None = None) -> None:
        """Let a message take its path; where a state stands, the script is never begun from nothing."""
        before, now = self.state, self.clock.now()
        mode = self.step.mode if self.step is not None else Mode.ORDINARY
        # Without a conversation's id, so that a script that breaks fails here instead of being answered for.
        snapshot = SimpleNamespace(facts=facts, triage=before, mode=mode, triage_unreadable=False)
        begun: list[Any] = []

        def begins(*given: Any) -> ScriptStep:
            begun.append(given)
            return OPEN(*given)

        with patch.object(judgement, "open_triage", begins):
            path, step = judgement.decide(cast(Snapshot, snapshot), text, verdict, facts.input, now)
        if before is not None and begun:
            self.trouble.append(f"began anew from {before.step} by {text!r}")
        if path == "agent" and not verdict.clear:
            self.trouble.append(f"a model answers {text!r}")
        if step is not None:
            self.trouble += faults(Move(before, f"says {text!r}", facts, step, verdict, now, tapped))
            self.state, self.step = step.state, step

    @precondition(lambda self: self.state is None)
    @rule(verdict=VERDICTS, screener=st.booleans())
    def enter(self, verdict: Screening, screener: bool) -> None:
        if verdict.clear or screener:
            self.take(None, "screener", open_screener(self.facts, self.clock.now()))
        else:
            self.decides("words", verdict, self.facts)

    @precondition(lambda self: self.state is not None)
    @rule(text=WORDS, verdict=VERDICTS)
    def says(self, text: str, verdict: Screening) -> None:
        self.decides(text, verdict, self.facts)

    @precondition(lambda self: self.state is not None)
    @rule(verdict=st.sampled_from(GRAVE), rest=st.sampled_from(RESTS), looked=st.booleans())
    def says_it_again(self, verdict: Screening, rest: timedelta, looked: bool) -> None:
        """Grave words after any rest, whether or not the clock spoke meanwhile."""
        self.clock.advance(rest)
        step = tick(self.state, self.facts, self.clock.now()) if self.state is not None and looked else None
        if step is not None:
            self.take(self.state, f"tick after {rest}", step)
        self.decides("words of tonight", verdict, replace(self.facts, input=InputKind.TEXT))

    @precondition(lambda self: self.state is not None)
    @rule(data=st.data())
    def taps(self, data: st.DataObject) -> None:
        assert self.step is not None
        offered = [choice.value for choice in self.step.choices if choice.href is None]
        value = data.draw(st.sampled_from([*offered, *TAPS]))
        self.decides(value, CLEAR, replace(self.facts, input=InputKind.TEXT), tapped=value)

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        if self.state is not None:
            step = tick(self.state, self.facts, self.clock.now())
            if step is not None:
                self.take(self.state, f"tick after {minutes} min", step)

    @precondition(lambda self: self.state is not None)
    @rule()
    def screening_breaks(self) -> None:
        self.take(self.state, "degraded", degraded_reply(self.facts, self.clock.now(), self.state))

    @rule(sent=st.booleans(), opened=st.booleans(), writing=st.booleans(), wrote=st.booleans(), due=st.booleans())
    def delivery_moves(self, sent: bool, opened: bool, writing: bool, wrote: bool, due: bool) -> None:
        now = self.clock.now()
        self.facts = replace(
            self.facts,
            delivery=DeliveryFacts(
                sent_at=now if sent or opened else None,
                opened_at=now if opened else None,
                writing_at=now if opened and writing else None,
                last_person_at=now if opened and wrote else None,
                expected_by=now + timedelta(minutes=5) if due else None,
            ),
        )

    @rule(staffed=st.booleans())
    def the_shift_changes(self, staffed: bool) -> None:
        self.facts = replace(self.facts, staffed_now=staffed)

    @rule(kind=st.sampled_from(InputKind))
    def another_input(self, kind: InputKind) -> None:
        self.facts = replace(self.facts, input=kind)

    @precondition(lambda self: self.state is not None and self.state.step is not TriageStep.LIVE)
    @rule()
    def a_counselor_joins(self) -> None:
        self.take(self.state, "takes over", counselor_takes_over(self.state, self.facts, self.clock.now()))

    @precondition(lambda self: self.state is not None and self.state.step is TriageStep.LIVE)
    @rule()
    def the_counselor_hands_back(self) -> None:
        assert self.state is not None
        self.take(self.state, "hand back", hand_back(self.state, "Rest well.", self.facts, self.clock.now()))

    @precondition(lambda self: self.state is not None)
    @rule(severity=SEVERITIES)
    def the_counselor_regrades(self, severity: Severity) -> None:
        assert self.state is not None
        self.state = counselor_regrades(self.state, severity, "spoke by phone")
        assert self.state.severity is severity

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.trouble == []

    @invariant()
    def the_mode_is_the_steps(self) -> None:
        if self.step is not None and self.step.state is not None:
            assert self.step.mode is self.step.state.mode
        elif self.step is not None:
            assert self.step.mode is Mode.ORDINARY


Conversation.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestConversation = Conversation.TestCase
