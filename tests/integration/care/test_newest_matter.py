"""A case whose newest words are about something else shows a person both: the worst, and what it is about now."""

from __future__ import annotations

import pytest

from safety.types import Category, Severity
from tests.integration.care.conftest import Campus, crisis
from tests.mutation import seed
from tools.care import cases
from tools.care.facts import read_case
from tools.care.queue import read_queue


async def matters(campus: Campus) -> list[tuple[Category, Category]]:
    """The worst and the newest, as the queue and the case say."""
    async with campus.db.acting(campus.people.rosa) as tx:
        [entry] = (await read_queue(tx, at=campus.clock.now())).entries
        facts = await read_case(tx, entry.id)
    return [(entry.category, entry.newest_category), (facts.category, facts.newest_category)]


async def test_pills_after_a_plan_are_shown_although_the_grade_is_the_same(campus: Campus) -> None:
    conversation = await campus.crisis(Severity.IMMINENT)
    assert await matters(campus) == [(Category.SUICIDE, Category.SUICIDE)] * 2
    async with campus.db.acting(campus.people.maya) as tx:
        case = await cases.open_case_of(tx, conversation)
        assert case is not None
        await cases.raise_case(
            tx, case, category=Category.OVERDOSE, severity=Severity.IMMINENT, tier=case.tier, due_at=None,
            at=campus.clock.now(),
        )  # fmt: skip
    assert await matters(campus) == [(Category.SUICIDE, Category.OVERDOSE)] * 2


async def test_the_worst_stays_when_the_matter_turns_to_something_lighter(campus: Campus) -> None:
    conversation = await campus.crisis(Severity.LOW, Category.AI_HARM)
    await campus.say(conversation, "and i want to die", crisis(Severity.LOW))
    assert await matters(campus) == [(Category.AI_HARM, Category.SUICIDE)] * 2
    await campus.say(conversation, "tonight", crisis(Severity.HIGH))
    assert await matters(campus) == [(Category.SUICIDE, Category.SUICIDE)] * 2


async def test_a_case_that_keeps_its_first_matter_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, cases.raise_case, "newest_category = %s where", "newest_category = left(%s, 0) || category where")
    with pytest.raises(AssertionError):
        await test_the_worst_stays_when_the_matter_turns_to_something_lighter(campus)
