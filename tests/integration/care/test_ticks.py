"""The clock of open conversations: silence, waits, check-ins. What it says is stored, what it promises is done."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conversations import ticks
from conversations.snapshot import Snapshot
from conversations.ticks import sweep
from core.ids import ConversationId
from db.access import Tx
from safety.triage.state import TriageStep
from safety.triage.words import words_for
from safety.types import Mode, Severity
from tests.integration.care.conftest import CLEAR, WORDS, Campus, crisis, drain
from tools.care.delivery import WorkerApp

SECONDS = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def text(key: str) -> str:
    return words_for("en").text(f"say.{key}").split("{")[0][:40]


async def said(campus: Campus, conversation: ConversationId, key: str) -> int:
    return sum(text(key) in words for author, words in await campus.texts(conversation) if author == "script")


async def live_through(campus: Campus, worker: WorkerApp, duration: timedelta) -> None:
    """Sweep as often as the worker does."""
    end = campus.clock.now() + duration
    while campus.clock.now() < end:
        campus.pass_time(10 * SECONDS)
        await sweep(worker.desk)


async def test_silence_at_high_risk_is_nudged_at_two_minutes_and_paged_at_five(
    campus: Campus, worker: WorkerApp
) -> None:
    conversation = await campus.crisis()
    calls = len(campus.rows("select 1 from case_events where kind = 'called'"))
    await live_through(campus, worker, 110 * SECONDS)
    assert await said(campus, conversation, "silence.nudge") == 0
    await live_through(campus, worker, 30 * SECONDS)
    assert await said(campus, conversation, "silence.nudge") == 1
    await live_through(campus, worker, 130 * SECONDS)
    assert await said(campus, conversation, "silence.now") == 0
    await live_through(campus, worker, 40 * SECONDS)
    assert await said(campus, conversation, "silence.now") == 1
    state = await campus.state(conversation)
    assert state is not None and state.step is TriageStep.SILENT
    assert len(campus.rows("select 1 from case_events where kind = 'called'")) == calls + 1
    assert campus.rows("select 1 from deliveries where reason = 'silent' and channel = 'email'")
    await live_through(campus, worker, 5 * MINUTE)
    assert await said(campus, conversation, "silence.nudge") == 1


async def test_whoever_writes_in_time_is_not_called_silent(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    await live_through(campus, worker, 90 * SECONDS)
    await campus.say(conversation, "yes", CLEAR)
    await live_through(campus, worker, 100 * SECONDS)
    assert await said(campus, conversation, "silence.nudge") == 0


async def test_an_agreed_check_in_comes_when_it_was_agreed(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis(Severity.MODERATE)
    for _ in range(30):
        state = await campus.state(conversation)
        assert state is not None
        if state.item == "gd_check_in":
            break
        await campus.say(conversation, "refused" if state.item not in (None, "wish", "thoughts") else "no", CLEAR)
    await campus.say(conversation, "in_hours", CLEAR)
    state = await campus.state(conversation)
    assert state is not None and state.check_ins
    before = len(await campus.texts(conversation))
    await sweep(worker.desk)
    [row] = campus.rows("select tick_at from conversations")
    assert row["tick_at"] == min(entry.at for entry in state.check_ins)
    campus.clock.advance(row["tick_at"] - campus.clock.now() - SECONDS)
    assert await sweep(worker.desk) == 0
    campus.clock.advance(2 * SECONDS)
    assert await sweep(worker.desk) == 1
    assert len(await campus.texts(conversation)) == before + 1
    assert await sweep(worker.desk) == 0


async def test_a_message_of_the_student_makes_the_script_look_at_once(campus: Campus, worker: WorkerApp) -> None:
    """A resting conversation that turns into a crisis must not wait for the check-in that was planned before."""
    conversation = await campus.crisis()
    campus.change("update conversations set tick_at = %s", campus.clock.now() + timedelta(days=2))
    await campus.say(conversation, WORDS, crisis(Severity.IMMINENT))
    assert campus.rows("select tick_at from conversations") == [{"tick_at": None}]
    await sweep(worker.desk)
    assert campus.rows("select tick_at from conversations")[0]["tick_at"] is not None


async def test_two_sweeps_at_once_say_it_once(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    campus.clock.advance(2 * MINUTE + SECONDS)
    await asyncio.gather(*(sweep(worker.desk) for _ in range(4)))
    assert await said(campus, conversation, "silence.nudge") == 1


async def test_conversations_that_cannot_be_read_do_not_stop_the_others(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by an error nor by filling the sweep again and again."""
    monkeypatch.setattr(ticks, "AT_MOST", 1)
    broken, whole = await campus.crisis(), await campus.crisis()
    read = ticks.read_snapshot

    async def unreadable(tx: Tx, conversation: ConversationId, *given: Any, **more: Any) -> Snapshot:
        if conversation == broken:
            raise RuntimeError("this one cannot be read")
        return await read(tx, conversation, *given, **more)

    monkeypatch.setattr(ticks, "read_snapshot", unreadable)
    campus.change("update conversations set tick_at = %s where id = %s", campus.clock.now(), whole)
    campus.clock.advance(2 * MINUTE + SECONDS)
    for _ in range(3):
        await sweep(worker.desk)
    assert await said(campus, whole, "silence.nudge") == 1


async def test_a_person_who_falls_silent_is_not_hidden_and_others_are_called(campus: Campus, worker: WorkerApp) -> None:
    from conversations import live  # noqa: PLC0415
    from tools.care import acts  # noqa: PLC0415

    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await live.reply(tx, campus.jobs, case, "Hi, I'm here.", at=campus.clock.now())
    await drain(worker)
    campus.clock.advance(10 * SECONDS)
    await campus.say(conversation, "are you there?", CLEAR)
    await live_through(campus, worker, 200 * SECONDS)
    assert await said(campus, conversation, "waiting.person_silent") == 1
    assert campus.rows("select 1 from deliveries where reason = 'unanswered' and channel = 'email'")
    assert campus.rows("select mode from conversations") == [{"mode": Mode.LIVE_PERSON}]
    campus.pass_time(5 * MINUTE)
    await drain(worker)
    assert campus.rows("select 1 from deliveries where rung = 'backup'")
