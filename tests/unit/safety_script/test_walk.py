"""Every transition of the declared table is walked, no other happens, and every reply on the way keeps the protocol."""

from __future__ import annotations

from collections import defaultdict

import pytest

from safety.triage.flow import load_flow
from safety.triage.state import TriageStep
from tests.unit.safety_script.checks import faults
from tests.unit.safety_script.walks import FACTS, walk

Walked = tuple[dict[TriageStep, set[TriageStep | None]], list[str], set[str]]


@pytest.fixture(scope="module")
def walked() -> Walked:
    """Walk the whole machine once for every kind of student."""
    seen: defaultdict[TriageStep, set[TriageStep | None]] = defaultdict(set)
    found: list[str] = []
    asked: set[str] = set()
    for facts in FACTS:
        for move in walk(facts):
            found += faults(move)
            after = move.step.state
            asked.add(after.item if after and after.item else "")
            if move.before is not None:
                seen[move.before.step].add(after.step if after else None)
    return dict(seen), found, asked


def test_no_reply_breaks_the_protocol(walked: Walked) -> None:
    assert walked[1][:20] == []


def test_every_declared_transition_is_walked(walked: Walked) -> None:
    declared = load_flow().transitions
    missed = {step: declared[step] - walked[0].get(step, set()) for step in TriageStep}
    assert {step: sorted(map(str, left)) for step, left in missed.items() if left} == {}


def test_every_step_is_declared() -> None:
    assert set(load_flow().transitions) == set(TriageStep)


def test_every_question_is_asked_somewhere(walked: Walked) -> None:
    assert set(load_flow().items) - walked[2] == set()
