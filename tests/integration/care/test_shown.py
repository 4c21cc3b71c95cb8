"""The console counts as told when its page showed the case to somebody on duty, and at no other moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from conversations.snapshot import read_snapshot
from core.ids import CaseId, ConversationId
from db.access import Acting, Role
from safety.policy import Rung
from tests.integration.care.conftest import Campus, add_person
from tools.care.queue import read_queue
from tools.care.rota import add_duty
from tools.care.shown import mark_shown

HOUR = timedelta(hours=1)


async def show(campus: Campus, who: Acting, case: CaseId) -> int:
    async with campus.db.acting(who) as tx:
        return await mark_shown(tx, [case], at=campus.clock.now())


async def sent_at(campus: Campus, conversation: ConversationId) -> Any:
    async with campus.db.acting(campus.people.maya) as tx:
        return (await read_snapshot(tx, conversation, campus.clock.now())).facts.delivery.sent_at


async def console(campus: Campus) -> dict[str, Any]:
    [row] = campus.rows("select state, sent_at, attempts from deliveries where channel = 'console'")
    return row


async def test_reading_the_queue_tells_nobody(campus: Campus) -> None:
    conversation = await campus.crisis()
    async with campus.db.acting(campus.people.rosa) as tx:
        assert (await read_queue(tx, at=campus.clock.now())).entries
    assert await console(campus) == {"state": "committed", "sent_at": None, "attempts": 0}
    assert await sent_at(campus, conversation) is None


async def test_a_page_that_shows_the_case_to_somebody_on_duty_has_told_them(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    campus.clock.advance(timedelta(seconds=7))
    assert await show(campus, campus.people.rosa, case) == 1
    first = campus.clock.now()
    campus.clock.advance(timedelta(seconds=7))
    assert await show(campus, campus.people.sam, case) == 0
    assert await sent_at(campus, conversation) == first
    [attempt] = campus.rows("select recipient, accepted from delivery_attempts")
    assert attempt == {"recipient": f"account:{campus.people.rosa.account_id}", "accepted": True}


@pytest.mark.parametrize("who", ["foreign_counselor", "stranger", "jonas"])
async def test_nobody_is_shown_a_case_that_is_not_theirs_to_see(campus: Campus, who: str) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    try:
        await show(campus, getattr(campus.people, who), case)
    except Exception as error:  # noqa: BLE001 - whatever refuses them, the notice stays unsent
        assert "staff" in str(error) or error
    assert (await console(campus))["state"] == "committed"


async def test_the_schedule_says_who_is_on_duty(campus: Campus) -> None:
    conversation = await campus.crisis()
    case, now = await campus.case_of(conversation), campus.clock.now()
    vera = await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)
    async with campus.db.acting(vera) as tx:
        await add_duty(tx, campus.people.sam.account_id, Rung.ON_CALL, now, now + HOUR)
    assert await show(campus, campus.people.rosa, case) == 0
    assert (await console(campus))["state"] == "committed"
    assert await show(campus, campus.people.sam, case) == 1


async def test_outside_every_hour_that_is_staffed_nobody_is_on_duty(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    for rules in ({}, {"staffing": "always", "responder": "unstaffed"}):
        campus.change("update institutions set settings = %s", Jsonb(rules))
        assert await show(campus, campus.people.rosa, case) == 0
    assert (await console(campus))["state"] == "committed"
    campus.change("update institutions set settings = %s", Jsonb({"staffing": "always"}))
    assert await show(campus, campus.people.rosa, case) == 1


async def test_a_notice_to_one_colleague_is_sent_when_that_one_saw_it(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    campus.change("update deliveries set recipient_id = %s where channel = 'console'", campus.people.sam.account_id)
    assert await show(campus, campus.people.rosa, case) == 0
    assert await show(campus, campus.people.sam, case) == 1
