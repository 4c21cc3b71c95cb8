"""What a counselor reads is there for everything the protocol can say."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from api.web.console.words import console_words
from safety.policy import Rung, Tier
from safety.triage.flow import load_flow
from safety.triage.state import Answer, CheckInKind, TriageStep
from safety.triage.words import LANGUAGES
from safety.types import Category, Mode, Severity
from tools.care.disclosure import ToldOutside
from tools.care.dossier.meanings import load_meanings
from tools.care.golive.readiness import State
from tools.care.golive.rules import Responder
from tools.care.golive.signatures import Part
from tools.care.outcomes import Outcome

ASKED_ABOUT_DANGER = (TriageStep.SCREEN, TriageStep.EMERGENCY, TriageStep.MEANS)
NOT_AT_A_GLANCE = {"ab_choice"}
"""What the student wants to happen: it stands among the answers."""


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("categories", Category), ("severities", Severity), ("tiers", Tier), ("modes", Mode), ("outcomes", Outcome),
        ("outside", ToldOutside), ("rungs", Rung), ("glance", load_meanings()), ("promises", CheckInKind),
        ("languages", LANGUAGES), ("protocol", Part), ("responders", list(Responder)[:-1]), ("ready", State), ("health", State),
    ],
)  # fmt: skip
def test_every_value_has_its_word(kind: str, values: Iterable[str]) -> None:
    assert {str(value) for value in values} <= set(console_words()[kind])


def test_every_answer_about_danger_has_its_meaning_and_every_meaning_its_answer() -> None:
    flow = load_flow().items
    known = {item: meaning for items in load_meanings().values() for item, meaning in items.items()}
    asked = {
        name
        for name, item in flow.items()
        if item.step in ASKED_ABOUT_DANGER and item.record and name not in NOT_AT_A_GLANCE
    }
    assert asked <= set(known), asked - set(known)
    for name, meaning in known.items():
        choices = set(flow[name].choices) - {Answer.REFUSED}
        assert choices == set(meaning.says), name
        assert meaning.grave <= choices, name


def test_an_answer_that_the_flow_calls_grave_is_grave_to_the_counselor() -> None:
    """What raises a case to high or imminent, or sets a flag of danger, is never shown as calm."""
    for items in load_meanings().values():
        for name, meaning in items.items():
            for value, outcome in load_flow().items[name].choices.items():
                if outcome.severity.rank >= Severity.HIGH.rank or outcome.flags:
                    assert value in meaning.grave, (name, value)
