"""Moods logged in the chat: a run of low ones is asked about gently, once, after the reply."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agents.state import ReviewedSentence, ScreenedTurn, ToolActivity, TurnEvent, TurnOutcome
from conversations.runner import Runner
from core.ids import ConversationId
from safety.triage.words import words_for
from tests.conftest import People
from tests.integration.conversations.conftest import Desk
from tools.people.keys import student_key
from tools.wellness.mood import log_mood

ASKED = words_for("en").text("say.check.mood_low_sustained")


async def log(desk: Desk, people: People, conversation: ConversationId, score: int, key: str) -> list[tuple[str, str]]:
    """One turn in which the agent logs a mood."""

    async def logs(turn: ScreenedTurn, /) -> AsyncIterator[TurnEvent]:
        async with desk.db.acting(people.maya) as tx:
            await log_mood(tx, await student_key(tx), score=score, at=desk.service.now(), source_turn=turn.turn_id)
        yield ToolActivity("log_mood", "Logged your mood", "1")
        yield ReviewedSentence("It is in the log.")
        yield TurnOutcome("support", "echo", {})

    desk.runner._run_turn = logs
    received = await desk.service.take_turn(people.maya, conversation, f"a {score} today", idempotency_key=key)
    async for _ in desk.service.events(people.maya, conversation, received.turn_id):
        pass
    return await desk.texts(people.maya, conversation)


async def test_low_moods_logged_in_the_chat_are_asked_about_once(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    for number in range(2):
        assert ("script", ASKED) not in await log(desk, people, conversation, 2, f"low {number}")
    assert (await log(desk, people, conversation, 2, "third"))[-2:] == [
        ("companion", "It is in the log."),
        ("script", ASKED),
    ]
    said = await log(desk, people, conversation, 2, "fourth")
    assert said.count(("script", ASKED)) == 1
    async with desk.db.acting(people.maya) as tx:
        assert await (await tx.conn.execute("select 1 from cases")).fetchone() is None


async def test_other_moods_ask_nothing(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    for number, score in enumerate((2, 7, 2, 2)):
        assert ("script", ASKED) not in await log(desk, people, conversation, score, str(number))


async def test_moods_of_the_chat_that_nobody_looks_at_are_noticed(
    desk: Desk, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(Runner, "_check_in_on_low_moods", nothing)
    with pytest.raises(AssertionError):
        await test_low_moods_logged_in_the_chat_are_asked_about_once(desk, people)
