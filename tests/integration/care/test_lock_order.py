"""A student who writes and a counselor who acts at the same moment never wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from conversations import first_transaction, live
from core.ids import CaseId
from db.access import Tx
from safety.types import Severity
from tests.integration.care.conftest import WORDS, Campus, crisis, until
from tools.care import acts
from tools.care.facts import CaseFacts, read_case, require_mine
from tools.care.outcomes import Outcome

Act = Callable[[Tx, Campus, CaseId], Awaitable[Any]]


async def reply(tx: Tx, campus: Campus, case: CaseId) -> None:
    await live.reply(tx, campus.jobs, case, "I'm Rosa, a counselor.", at=campus.clock.now())


async def regrade(tx: Tx, campus: Campus, case: CaseId) -> None:
    await live.regrade(tx, case, Severity.MODERATE, "spoke with them", at=campus.clock.now())


async def close(tx: Tx, campus: Campus, case: CaseId) -> None:
    await live.close(tx, case, Outcome.CONTACTED, "", at=campus.clock.now())


def waits_for_a_lock(campus: Campus) -> bool:
    """Whether somebody in this test's database waits for somebody else."""
    return bool(campus.rows("select 1 from pg_locks where not granted"))


async def write_while_somebody_acts(campus: Campus, act: Act, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hold a student's message between its two locks until a counselor's act waits; return what broke."""
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    has_number, may_go_on = asyncio.Event(), asyncio.Event()
    broke: list[str] = []
    whole_number, whole_commit = first_transaction.take_number, first_transaction.commit_turn

    async def slow_number(*given: Any, **more: Any) -> bool:
        taken = await whole_number(*given, **more)
        has_number.set()
        await may_go_on.wait()
        return taken

    async def watched_commit(*given: Any) -> Any:
        try:
            return await whole_commit(*given)
        except psycopg.errors.DeadlockDetected:
            broke.append("the student's message")
            raise

    async def counselor() -> None:
        try:
            async with campus.db.acting(campus.people.rosa) as tx:
                await act(tx, campus, case)
        except psycopg.errors.DeadlockDetected:
            broke.append("the counselor's act")

    with monkeypatch.context() as patch:
        patch.setattr(first_transaction, "take_number", slow_number)
        patch.setattr("conversations.intake.commit_turn", watched_commit)
        writing = asyncio.create_task(campus.say(conversation, WORDS, crisis(Severity.IMMINENT)))
        await has_number.wait()
        acting = asyncio.create_task(counselor())
        await until(lambda: waits_for_a_lock(campus))
        may_go_on.set()
        await asyncio.gather(writing, acting)
    return broke


@pytest.mark.parametrize("act", [reply, regrade, close])
async def test_a_message_and_an_act_at_the_same_moment_both_succeed(
    campus: Campus, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await write_while_somebody_acts(campus, act, monkeypatch) == []


async def case_first(tx: Tx, case: CaseId) -> CaseFacts:
    """The order of old: the case, then its conversation."""
    facts = await require_mine(tx, case)
    seen = await read_case(tx, case)
    await tx.conn.execute("select 1 from conversations where id = %s for no key update", (seen.conversation_id,))
    return facts


@pytest.mark.parametrize("act", [reply, regrade, close])
async def test_the_old_order_is_noticed(campus: Campus, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "hold", case_first)
    assert await write_while_somebody_acts(campus, act, monkeypatch) != []
