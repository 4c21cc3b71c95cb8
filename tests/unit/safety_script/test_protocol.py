"""The published protocol is what the service does, row by row of CRISIS.md's table of tiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from safety import policy, protocol
from safety.policy import Rung, Tier
from safety.protocol import published_protocol
from safety.types import Category


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    published_protocol.cache_clear()
    yield
    published_protocol.cache_clear()


def tiers() -> dict[str, Tier]:
    return {row.what: row.tier for row in published_protocol().signals}


def test_every_matter_has_a_row_and_every_row_says_when_a_person_comes() -> None:
    rows = published_protocol().signals
    named = {row["category"] for row in protocol.yaml.safe_load(protocol._FILE.read_text())["signals"]}
    assert named == {category.value for category in Category} - {"none"}
    assert len({row.what for row in rows}) == len(rows)
    assert all(row.turn and row.person for row in rows)


def test_the_rows_have_the_tiers_of_the_protocol() -> None:
    found = tiers()
    assert found["A wish to be dead or thoughts of suicide without a method"] is Tier.DIGEST
    assert found["Thoughts of suicide with a method, without intent"] is Tier.SAME_DAY
    assert found["Intent, a plan, preparation, or an attempt in the last three months"] is Tier.PAGE_NOW
    assert found["An attempt or something taken just now"] is Tier.PAGE_ALL
    assert found["Abuse, assault or stalking, in no danger this minute"] is Tier.NONE
    assert found["The student asks for a person"] is Tier.PAGE_NOW


def test_the_ladder_on_the_page_is_the_ladder() -> None:
    ladder = published_protocol().ladder
    assert ladder == tuple(step.rung for step in policy.load_policy().tiers[Tier.PAGE_NOW].ladder)
    assert ladder[-1] is Rung.LINE_24_7


def test_a_changed_policy_changes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    table = policy.load_policy()
    rules = tuple(replace(rule, tier=Tier.NONE) if rule.tier is Tier.DIGEST else rule for rule in table.rules)
    changed = replace(table, rules=rules, version="another")
    monkeypatch.setattr(protocol, "load_policy", lambda: changed)
    monkeypatch.setattr(policy, "load_policy", lambda: changed)
    assert tiers()["A wish to be dead or thoughts of suicide without a method"] is Tier.NONE
    assert published_protocol().versions["policy"] == "another"


def test_nobody_has_signed_it_and_it_says_so() -> None:
    assert published_protocol().signed_by is None
