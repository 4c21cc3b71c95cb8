"""What several turns say together, each with the same words in a harmless conversation beside it."""

from __future__ import annotations

import pytest

from safety.multiturn import MultiTurn, TurnsVerdict
from safety.normalize import Normalizer
from safety.types import Category, PriorTurn, Severity
from tests.mutation import seed

NORMALIZER = Normalizer()
TURNS = MultiTurn(NORMALIZER)


def student(text: str, severity: Severity = Severity.NONE) -> PriorTurn:
    return PriorTurn("student", text, severity, Category.NONE if severity is Severity.NONE else Category.SUICIDE)


def companion(text: str) -> PriorTurn:
    return PriorTurn("companion", text)


def read(text: str, *prior: PriorTurn) -> TurnsVerdict:
    return TURNS.read(NORMALIZER(text), prior)


ASK = companion("That sounds heavy. Are you thinking about killing yourself?")


@pytest.mark.parametrize(
    "answer", ["yes", "Yeah.", "kinda", "i guess so", "maybe", "idk", "sí", "是", "haan", "نعم", "does it matter"]
)
def test_a_bare_yes_answers_a_direct_question(answer: str) -> None:
    assert read(answer, student("rough week"), ASK).crisis


@pytest.mark.parametrize("answer", ["yes", "maybe", "i guess so"])
def test_a_bare_yes_to_anything_else_says_nothing(answer: str) -> None:
    assert not read(answer, student("rough week"), companion("Would a ten-minute walk help?")).crisis


@pytest.mark.parametrize("answer", ["no", "nope", "no lol", "yes the homework is due tonight and I have not begun it"])
def test_a_denial_or_another_topic_is_no_yes(answer: str) -> None:
    assert not read(answer, ASK).crisis


def test_yes_to_a_plan_is_worse_than_yes_to_a_thought() -> None:
    plan = companion("Do you have a plan for how you would kill yourself?")
    assert read("yes", plan).severity is Severity.HIGH
    assert read("yes", ASK).severity is Severity.LOW


def test_not_being_safe_is_an_answer_too() -> None:
    asked = companion("One check: are you safe right now?")
    assert read("not really", asked).crisis
    assert not read("yes", asked).crisis


def test_a_joke_does_not_take_explicit_words_back() -> None:
    verdict = read("lol jk", student("i'm going to kill myself tonight", Severity.HIGH), companion("..."))
    assert verdict.crisis
    assert verdict.severity is Severity.HIGH


def test_a_joke_about_nothing_is_nothing() -> None:
    assert not read("lol jk", student("this cafeteria is a crime")).crisis


DESPAIR = student("nothing is ever going to get better, it's hopeless")
CHEER = student("my roommate baked bread today")


@pytest.mark.parametrize(
    ("rule", "now", "before"),
    [
        ("means_after_loss", "which bridges here are open at night?", student("i lost my job and got evicted")),
        ("goodbye_after_despair", "thank you for everything, take care of yourself", DESPAIR),
        ("giving_away_after_despair", "i gave away my guitar and my books today", DESPAIR),
        ("sudden_calm", "i feel so calm now, it's decided", student("i want to die", Severity.LOW)),
        ("goodbye_after_signal", "goodbye, tell my mom i love her", student("i want to die", Severity.LOW)),
    ],
)
def test_pattern_needs_both_parts(rule: str, now: str, before: PriorTurn) -> None:
    verdict = read(now, before, companion("I hear you."))
    assert verdict.crisis
    assert rule in {item.rule for item in verdict.evidence}
    assert not read(now, CHEER, companion("Sounds good.")).crisis


def test_drift_over_twenty_turns() -> None:
    said = [
        "i can't sleep again",
        "i have no friends here",
        "everyone would be better without a burden like me",
        "been drinking alone most nights",
        "i feel so numb",
    ]
    prior: list[PriorTurn] = []
    for text in said:
        prior += [student(text), companion("Mm."), student("anyway how was your day"), companion("Fine.")]
    verdict = read("nothing matters", *prior)
    assert verdict.crisis
    assert not read("nothing matters", *prior[:2]).crisis


def test_nothing_comes_of_nothing() -> None:
    assert not read("goodbye, thanks for everything").crisis


def test_turns_that_are_read_one_by_one_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiTurn, "_remarks", lambda *_: [])
    with pytest.raises(AssertionError):
        test_drift_over_twenty_turns()


def test_a_joke_that_takes_words_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiTurn, "_taken_back", lambda *_: None)
    with pytest.raises(AssertionError):
        test_a_joke_does_not_take_explicit_words_back()


def test_a_pattern_that_needs_one_part_only_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, MultiTurn._remarks, "row.before & before", "row.before")
    with pytest.raises(AssertionError):
        test_pattern_needs_both_parts(
            "goodbye_after_despair", "thank you for everything, take care of yourself", DESPAIR
        )
