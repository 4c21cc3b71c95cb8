"""A student deletes what a case is about: it is gone for them, and nobody stops looking for them."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from conversations import history, live, ticks
from core.errors import NotFound
from core.ids import ConversationId
from db import roles
from safety.policy import load_policy
from safety.types import Severity
from tests.integration.care.conftest import CLEAR, Campus, crisis, drain
from tools.care import acts
from tools.care.delivery import WorkerApp
from tools.care.outcomes import Outcome
from tools.people.keys import student_key
from tools.wellness.mood import log_mood

KEPT_BY_THE_OWNER = (
    "conversations", "turns", "messages", "screenings", "tool_calls", "cases", "case_events", "deliveries",
)  # fmt: skip


async def delete(campus: Campus, conversation: ConversationId, *, keep: bool = False) -> bool:
    async with campus.db.acting(campus.people.maya) as tx:
        return await history.delete_conversation(tx, conversation, at=campus.clock.now(), keep_entries=keep)


async def close(campus: Campus, conversation: ConversationId) -> bool:
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    async with campus.db.acting(campus.people.rosa) as tx:
        return await live.close(tx, case, Outcome.CONTACTED, "", at=campus.clock.now())


async def test_silence_after_a_deletion_still_calls_people(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis(Severity.HIGH)
    assert not await delete(campus, conversation)
    with pytest.raises(NotFound):
        await campus.texts(conversation)
    campus.pass_time(load_policy().timing.unresponsive + timedelta(seconds=1))
    await ticks.sweep(worker.desk)
    called = campus.rows("select facts from case_events where kind = 'called' order by at")
    assert [row["facts"]["reason"] for row in called] == ["words", "silent"]


async def test_the_ladder_goes_on_after_a_deletion(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis(Severity.HIGH)
    await delete(campus, conversation)
    campus.pass_time(timedelta(minutes=16))
    await drain(worker)
    rungs = campus.rows("select distinct rung from deliveries")
    assert {row["rung"] for row in rungs} == {"on_call", "backup", "supervisor", "line_24_7"}


async def entry_of(campus: Campus, conversation: ConversationId) -> None:
    """A mood that was logged in a turn of the conversation."""
    [turn] = campus.rows("select id from turns where conversation_id = %s and path = 'agent'", conversation)
    async with campus.db.acting(campus.people.maya) as tx:
        await log_mood(tx, await student_key(tx), score=3, at=campus.clock.now(), source_turn=turn["id"])


@pytest.mark.parametrize("keep", [True, False])
async def test_entries_stay_or_go_as_was_asked_although_the_deletion_waited(campus: Campus, keep: bool) -> None:
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, "log my mood as 3", CLEAR)
    await entry_of(campus, conversation)
    await campus.say(conversation, "and I want to die", crisis(Severity.HIGH))
    assert not await delete(campus, conversation, keep=keep)
    assert campus.count("mood_logs") == 1
    assert await close(campus, conversation)
    assert campus.count("conversations") == 0
    assert campus.count("mood_logs") == (1 if keep else 0)


@pytest.mark.parametrize("keep", [True, False])
async def test_a_deletion_that_need_not_wait_is_done_at_once(campus: Campus, keep: bool) -> None:
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, "log my mood as 3", CLEAR)
    await entry_of(campus, conversation)
    assert await delete(campus, conversation, keep=keep)
    assert campus.count("messages") == campus.count("screenings") == campus.count("turns") == 0
    assert campus.count("mood_logs") == (1 if keep else 0)


@pytest.mark.parametrize("who", ["jonas", "stranger", "rosa"])
async def test_nobody_deletes_somebody_elses_conversation(campus: Campus, who: str) -> None:
    conversation = await campus.begin(campus.people.maya)
    async with campus.db.acting(getattr(campus.people, who)) as tx:
        cursor = await tx.conn.execute("select delete_conversation(%s, now(), false)", (conversation,))
        assert await cursor.fetchone() == (None,)
    assert campus.count("conversations") == 1


@pytest.mark.parametrize("what", ["accounts", "data_keys", "conversations"])
async def test_nothing_a_case_needs_can_be_deleted_while_it_is_open(campus: Campus, what: str) -> None:
    conversation = await campus.crisis()
    column = {"accounts": "id", "data_keys": "subject_id", "conversations": "student_id"}[what]
    query = psycopg.sql.SQL("delete from {} where {} = %s").format(
        psycopg.sql.Identifier(what), psycopg.sql.Identifier(column)
    )
    dsn = campus.settings.owner_dsn.get_secret_value()
    with psycopg.connect(dsn) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute(query, (campus.people.maya.account_id,))
    await close(campus, conversation)
    with psycopg.connect(dsn) as owner:
        owner.execute(query, (campus.people.maya.account_id,))


async def test_the_service_holds_no_right_to_delete_what_was_said(campus: Campus) -> None:
    await campus.crisis()
    for dsn in (campus.settings.app_dsn, campus.settings.worker_dsn):
        with psycopg.connect(dsn.get_secret_value(), autocommit=True) as conn:
            for table in KEPT_BY_THE_OWNER:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(psycopg.sql.SQL("delete from {}").format(psycopg.sql.Identifier(table)))
    rows = campus.rows(
        "select grantee, table_name from information_schema.role_table_grants where privilege_type = 'DELETE'"
        " and grantee = any(%s) and table_name = any(%s)",
        [roles.APP, roles.WORKER, roles.AUTH],
        list(KEPT_BY_THE_OWNER),
    )
    assert rows == []
