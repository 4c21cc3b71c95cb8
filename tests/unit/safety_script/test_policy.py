"""The tier table of the protocol, cell by cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from safety import policy
from safety.policy import Flag, Rung, Tier, TurnKind, decide, load_policy, signal_turn, tier_for
from safety.types import Category, Severity

LOW, MODERATE, HIGH, IMMINENT = Severity.LOW, Severity.MODERATE, Severity.HIGH, Severity.IMMINENT

CELLS: list[tuple[Category, Severity, set[Flag], Tier]] = [
    (Category.SUICIDE, LOW, set(), Tier.DIGEST),
    (Category.SUICIDE, LOW, {Flag.STUDENT_ASKS}, Tier.PAGE_NOW),
    (Category.SUICIDE, MODERATE, set(), Tier.SAME_DAY),
    (Category.SUICIDE, HIGH, set(), Tier.PAGE_NOW),
    (Category.SUICIDE, HIGH, {Flag.MEANS_AT_HAND}, Tier.PAGE_ALL),
    (Category.SUICIDE, IMMINENT, set(), Tier.PAGE_ALL),
    (Category.SUICIDE, IMMINENT, {Flag.ATTEMPT_UNDERWAY, Flag.UNRESPONSIVE}, Tier.PAGE_ALL),
    (Category.SELF_HARM, LOW, set(), Tier.SAME_DAY),
    (Category.SELF_HARM, MODERATE, {Flag.INJURED}, Tier.PAGE_NOW),
    (Category.SELF_HARM, IMMINENT, set(), Tier.PAGE_ALL),
    (Category.HARM_TO_OTHERS, MODERATE, set(), Tier.SAME_DAY),
    (Category.HARM_TO_OTHERS, MODERATE, {Flag.TARGET_MEANS_OR_TIME}, Tier.PAGE_NOW),
    (Category.HARM_TO_OTHERS, HIGH, set(), Tier.PAGE_NOW),
    (Category.ABUSE, HIGH, set(), Tier.NONE),
    (Category.ABUSE, HIGH, {Flag.STUDENT_ASKS}, Tier.PAGE_NOW),
    (Category.ABUSE, LOW, {Flag.DANGER_NOW}, Tier.PAGE_NOW),
    (Category.ABUSE, IMMINENT, set(), Tier.PAGE_NOW),
    (Category.EXPLOITATION, HIGH, set(), Tier.NONE),
    (Category.EXPLOITATION, IMMINENT, set(), Tier.PAGE_NOW),
    (Category.EATING_DISORDER, HIGH, set(), Tier.PAGE_NOW),
    (Category.OVERDOSE, LOW, set(), Tier.PAGE_NOW),
    (Category.OVERDOSE, IMMINENT, set(), Tier.PAGE_ALL),
    (Category.PSYCHOSIS, HIGH, set(), Tier.PAGE_NOW),
    (Category.THIRD_PARTY, LOW, set(), Tier.NONE),
    (Category.THIRD_PARTY, LOW, {Flag.DANGER_NOW}, Tier.PAGE_NOW),
    (Category.AI_HARM, LOW, set(), Tier.SAME_DAY),
]


@pytest.mark.parametrize(("category", "severity", "flags", "tier"), CELLS)
def test_the_table_says(category: Category, severity: Severity, flags: set[Flag], tier: Tier) -> None:
    assert tier_for(category, severity, flags) is tier


@pytest.mark.parametrize("category", [Category.SUICIDE, Category.SELF_HARM, Category.OVERDOSE])
def test_an_attempt_or_an_ingestion_gets_the_emergency_script(category: Category) -> None:
    assert decide(category, IMMINENT).turn is TurnKind.EMERGENCY
    assert decide(category, LOW, {Flag.ATTEMPT_UNDERWAY}).turn is TurnKind.EMERGENCY


def test_nothing_known_more_ever_means_somebody_told_later() -> None:
    sets = [frozenset(some) for size in range(3) for some in combinations(Flag, size)]
    for category in Category:
        for flags in sets:
            ranks = [decide(category, severity, flags).tier.rank for severity in Severity]
            assert ranks == sorted(ranks), (category, flags)
            assert all(decide(category, HIGH, flags | {more}).tier.rank >= ranks[3] for more in Flag)


def test_every_signal_has_a_cell_of_its_own() -> None:
    named = {rule.category for rule in load_policy().rules}
    assert set(Category) - {Category.NONE} <= named


def test_a_signal_without_a_cell_pages() -> None:
    bare = replace(load_policy(), rules=())
    assert decide(Category.SUICIDE, LOW, policy=bare).tier is Tier.PAGE_NOW


def test_scores_and_events_never_page() -> None:
    assert signal_turn("phq9_item9") is TurnKind.SCREENER
    assert signal_turn("mood_low_sustained") is TurnKind.CHECK_IN
    assert signal_turn("something_new") is TurnKind.SCREENER


def test_the_ladder_ends_with_the_contracted_line_and_never_with_police_or_parents() -> None:
    for tier in (Tier.PAGE_NOW, Tier.PAGE_ALL):
        plan = load_policy().tiers[tier]
        assert plan.ladder[-1].rung is Rung.LINE_24_7
        assert [step.after for step in plan.ladder] == sorted(step.after for step in plan.ladder)
    assert not {"police", "parents"} & set(Rung)


def test_more_urgent_tiers_are_acknowledged_sooner() -> None:
    within = [load_policy().tiers[tier].ack_within for tier in Tier if tier is not Tier.NONE]
    assert all(within)
    assert within == sorted(within, reverse=True)  # type: ignore[type-var]  # None is excluded by the line above.


def test_a_tier_without_a_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="tiers without a plan"):
        policy.parse_policy({"tiers": {}, "rules": [], "signals": {}, "timing": {}, "version": "x"})
