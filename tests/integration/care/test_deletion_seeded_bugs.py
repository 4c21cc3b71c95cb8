"""The tests of deletion, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from typing import Any

import pytest

from conversations import ticks
from tests.integration.care import test_deletion
from tests.integration.care.conftest import Campus
from tools.care.delivery import WorkerApp


async def test_a_clock_that_stops_with_the_deletion_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ticks.read_snapshot

    async def shy(*given: Any, **_: Any) -> Any:
        return await whole(*given)

    monkeypatch.setattr(ticks, "read_snapshot", shy)
    with pytest.raises(AssertionError):
        await test_deletion.test_silence_after_a_deletion_still_calls_people(campus, worker)


async def test_a_sweep_that_leaves_the_deleted_out_is_noticed(campus: Campus, worker: WorkerApp) -> None:
    campus.change(
        "create or replace function conversations_to_look_at(moment timestamptz, at_most int)"
        " returns table (conversation_id uuid, student_id uuid, institution_id uuid) language sql stable security definer"
        " as $$ select id, student_id, institution_id from conversations where triage_sealed is not null"
        " and delete_requested_at is null limit at_most $$"
    )
    with pytest.raises(AssertionError):
        await test_deletion.test_silence_after_a_deletion_still_calls_people(campus, worker)


async def test_a_wish_that_is_forgotten_while_it_waits_is_noticed(campus: Campus) -> None:
    campus.change(
        "create function seeded() returns trigger language plpgsql as"
        " $$ begin new.keep_entries := false; return new; end $$"
    )
    campus.change("create trigger seeded before update on conversations for each row execute function seeded()")
    with pytest.raises(AssertionError):
        await test_deletion.test_entries_stay_or_go_as_was_asked_although_the_deletion_waited(campus, keep=True)


@pytest.mark.parametrize("table", ["accounts", "data_keys", "conversations"])
async def test_a_deletion_in_a_case_is_noticed(campus: Campus, table: str) -> None:
    for one in {table, "conversations"}:  # An account takes its conversations with it: their guard holds as well.
        campus.change(f"drop trigger no_deletion_in_a_case on {one}")
    with pytest.raises(pytest.fail.Exception):
        await test_deletion.test_nothing_a_case_needs_can_be_deleted_while_it_is_open(campus, table)


async def test_a_right_to_delete_is_noticed(campus: Campus) -> None:
    campus.change("grant delete on messages to companion_worker")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_deletion.test_the_service_holds_no_right_to_delete_what_was_said(campus)


async def test_a_function_that_deletes_for_anybody_is_noticed(campus: Campus) -> None:
    campus.change(
        "create or replace function delete_conversation(subject uuid, moment timestamptz, keep boolean) returns boolean"
        " language plpgsql security definer as $$ begin delete from conversations where id = subject; return true; end $$"
    )
    with pytest.raises(AssertionError):
        await test_deletion.test_nobody_deletes_somebody_elses_conversation(campus, "jonas")
