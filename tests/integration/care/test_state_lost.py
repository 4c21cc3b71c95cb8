"""A stored state that this version cannot read or go on with: nothing known is forgotten, and everybody is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from conversations import live
from conversations.snapshot import read_snapshot
from conversations.ticks import sweep
from core.ids import ConversationId
from safety.policy import Tier
from safety.triage.state import CheckInKind, TriageStep
from safety.types import Category, Severity
from tests.integration.care.conftest import CLEAR, Campus, crisis
from tools.care import acts
from tools.care.delivery import WorkerApp

Damage = Callable[[dict[str, Any]], object]


def another_version(state: dict[str, Any]) -> object:
    return state.pop("matter")


def a_question_that_is_gone(state: dict[str, Any]) -> object:
    return state.update(item="asked_last_term")


def a_question_to_come_back_to(state: dict[str, Any]) -> object:
    return state.update(resume="asked_last_term")


DAMAGES = [another_version, a_question_that_is_gone, a_question_to_come_back_to]


async def damage(campus: Campus, conversation: ConversationId, how: Damage) -> bytes:
    """Store a state as another version would; returns what is stored."""
    async with campus.db.acting(campus.people.maya) as tx:
        snapshot = await read_snapshot(tx, conversation, campus.clock.now())
        assert snapshot.triage is not None
        state = snapshot.triage.to_dict()
        how(state)
        sealed = snapshot.key.seal(orjson.dumps(state).decode(), f"conversations.triage:{conversation}")
        await tx.conn.execute("update conversations set triage_sealed = %s where id = %s", (sealed, conversation))
    return sealed


def calls(campus: Campus) -> int:
    return len(campus.rows("select 1 from case_events where kind = 'called'"))


@pytest.mark.parametrize("how", DAMAGES)
async def test_what_the_case_knows_outlives_a_state_that_cannot_be_read(campus: Campus, how: Damage) -> None:
    conversation = await campus.crisis()
    sealed = await damage(campus, conversation, how)
    for words in ("hi again", "no", "can you help me with my essay?"):
        received = await campus.say(conversation, words)
        assert received.path != "agent", words
        state = await campus.state(conversation)
        assert state is not None and state.case_open
        assert (state.severity, state.tier, state.category) == (Severity.HIGH, Tier.PAGE_NOW, Category.SUICIDE)
    assert campus.rows("select mode from conversations") == [{"mode": "triage"}]
    assert campus.rows("select unread_triage_sealed from conversations") == [{"unread_triage_sealed": sealed}]
    assert sum(entry.kind is CheckInKind.FOLLOW_UP for entry in state.check_ins) == 2


async def test_a_guarded_conversation_stays_guarded_and_is_met_with_care_first(campus: Campus) -> None:
    conversation = await campus.crisis(Severity.MODERATE)
    await campus.say(conversation, "stop")
    await damage(campus, conversation, another_version)
    assert (await campus.say(conversation, "what is due this week?")).path == "careful"
    said = (await campus.texts(conversation))[-1]
    assert said[0] == "script" and "A part of me is down" in said[1]
    state = await campus.state(conversation)
    assert state is not None and (state.step, state.severity) == (TriageStep.GUARDED, Severity.MODERATE)
    assert campus.rows("select mode from conversations") == [{"mode": "guarded"}]


@pytest.mark.parametrize("how", DAMAGES)
async def test_crisis_words_after_a_lost_state_raise_the_same_case(campus: Campus, how: Damage) -> None:
    conversation = await campus.crisis(Severity.MODERATE)
    await damage(campus, conversation, how)
    assert (await campus.say(conversation, "I have taken the pills", crisis(Severity.IMMINENT))).path == "script"
    assert campus.rows("select severity, status from cases") == [{"severity": "imminent", "status": "open"}]
    state = await campus.state(conversation)
    assert state is not None and state.severity is Severity.IMMINENT and state.tier.pages


async def test_silence_is_noticed_after_a_lost_state(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    await damage(campus, conversation, another_version)
    before = calls(campus)
    for _ in range(6):
        campus.clock.advance(timedelta(minutes=1))
        await sweep(worker.desk)
    assert calls(campus) == before + 1
    assert len(campus.rows("select 1 from case_events where facts ->> 'note' = 'unresponsive'")) == 1


async def test_beside_a_person_a_lost_state_still_lets_the_case_rise(campus: Campus) -> None:
    conversation = await campus.crisis(Severity.MODERATE)
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    async with campus.db.acting(campus.people.rosa) as tx:
        await live.reply(tx, campus.jobs, case, "Hi, I'm here.", at=campus.clock.now())
    await damage(campus, conversation, another_version)
    assert (await campus.say(conversation, "I just took them", crisis(Severity.IMMINENT))).path == "live_person"
    assert campus.rows("select severity, status from cases") == [{"severity": "imminent", "status": "live"}]


def broken(*_: Any) -> Any:
    raise KeyError("the script broke")


async def break_and_say(
    campus: Campus, conversation: ConversationId, monkeypatch: pytest.MonkeyPatch, severity: Severity
) -> str:
    """Let every part of the script that takes a message break, and say something."""
    with monkeypatch.context() as patch:
        for part in ("advance", "open_triage", "degraded_reply"):
            patch.setattr(f"conversations.judgement.{part}", broken)
        found = crisis(severity) if severity is not Severity.NONE else CLEAR
        return (await campus.say(conversation, "I have the pills here", found)).path


async def test_a_script_that_breaks_still_answers_opens_the_case_and_calls(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await campus.begin(campus.people.maya)
    assert await break_and_say(campus, conversation, monkeypatch, Severity.HIGH) == "careful"
    texts = [text for author, text in await campus.texts(conversation) if author == "script"]
    assert "A part of me is down" in texts[0] and any("sending this conversation" in text for text in texts)
    assert campus.rows("select severity, tier from cases") == [{"severity": "high", "tier": "page_now"}]
    assert calls(campus) == 1
    assert campus.rows("select mode from conversations") == [{"mode": "guarded"}]
    state = await campus.state(conversation)
    assert state is not None and (state.severity, state.case_open) == (Severity.HIGH, True)


async def test_a_script_that_breaks_in_the_middle_keeps_its_state_and_calls(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await campus.crisis(Severity.LOW)
    before = await campus.state(conversation)
    assert await break_and_say(campus, conversation, monkeypatch, Severity.HIGH) == "careful"
    after = await campus.state(conversation)
    assert before is not None and after is not None
    assert (after.step, after.item, after.asked) == (before.step, before.item, before.asked)
    assert (after.severity, after.tier, after.case_open) == (Severity.HIGH, Tier.PAGE_NOW, True)
    assert campus.rows("select severity, tier from cases") == [{"severity": "high", "tier": "page_now"}]
    assert await break_and_say(campus, conversation, monkeypatch, Severity.NONE) == "careful"
    assert len(campus.rows("select 1 from messages where author = 'student'")) == 3
