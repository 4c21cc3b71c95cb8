"""Turns outlive requests and processes."""

from __future__ import annotations

import asyncio

import psycopg

from conversations.broker import Broker
from conversations.events import EventName
from core.settings import Settings
from tests.conftest import People
from tests.integration.conversations.conftest import Desk, Echo, make_runner
from tests.integration.conversations.test_intake import CRISIS


async def test_a_client_that_leaves_finds_the_whole_reply(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.gate.clear()
    received = await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    stream = desk.service.events(people.maya, conversation, received.turn_id)
    seen = [await anext(stream), await anext(stream)]
    await stream.aclose()
    desk.echo.gate.set()
    rest = [event async for event in desk.service.events(people.maya, conversation, received.turn_id, seen[-1].id)]
    assert [event.name for event in rest] == [EventName.SENTENCE, EventName.DONE]
    told = await desk.texts(people.maya, conversation)
    assert told[-1] == ("companion", "You said: roommate trouble. That is all.")
    stored = [event async for event in desk.service.events(people.maya, conversation, received.turn_id, seen[-1].id)]
    assert stored == rest, "the record tells the same as the live stream did"


async def test_done_is_told_only_after_the_reply_is_stored(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    received = await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    async for event in desk.service.events(people.maya, conversation, received.turn_id):
        if event.name is EventName.DONE:
            assert len(await desk.texts(people.maya, conversation)) == 2


async def test_a_responder_that_breaks_ends_the_turn_with_a_clear_word(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.fail = True
    received = await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    events = [event async for event in desk.service.events(people.maya, conversation, received.turn_id)]
    assert events[-1].name is EventName.ERROR
    assert "responder broke" not in str(events)
    desk.echo.fail = False
    again = await desk.service.take_turn(people.maya, conversation, "still there?", idempotency_key="b")
    assert [e async for e in desk.service.events(people.maya, conversation, again.turn_id)][-1].name is EventName.DONE


async def test_a_turn_whose_process_died_is_taken_over(desk: Desk, people: People, settings: Settings) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.gate.clear()
    received = await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    stream = desk.service.events(people.maya, conversation, received.turn_id)
    await anext(stream)
    await anext(stream)
    await desk.runner.stop()
    other_echo = Echo()
    other_echo.gate.set()
    other = make_runner(desk.db, other_echo, Broker(), desk.jobs)
    assert await other.sweep() == 0, "a living lease is respected"
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "update turns set lease_until = now() - interval '1 second', created_at = now() - interval '1 minute'"
        )
    assert await other.sweep() == 1
    async with asyncio.timeout(30):
        events = [e async for e in desk.service.events(people.maya, conversation, received.turn_id, "1.2")]
    assert [event.id for event in events] == ["2.1", "2.2", "2.3", "2.4"], "the client is told the reply anew"
    assert [turn.attempt for turn in other_echo.seen] == [2]
    assert len(await desk.texts(people.maya, conversation)) == 2
    await other.stop()


async def test_a_turn_that_is_taken_over_knows_what_came_before_it_and_nothing_after(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    await asyncio.gather(*desk.runner.running())
    desk.echo.gate.clear()
    received = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="b")
    await anext(desk.service.events(people.maya, conversation, received.turn_id))
    await desk.service.take_turn(people.maya, conversation, "and the essay too", idempotency_key="c")
    await desk.runner.stop()
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "update turns set lease_until = now() - interval '1 second', created_at = now() - interval '1 minute'"
        )
    other_echo = Echo()
    other_echo.gate.set()
    other = make_runner(desk.db, other_echo, Broker(), desk.jobs)
    await other.sweep()
    await asyncio.gather(*other.running())
    heard = {
        turn.text: [message.text for message in turn.history if message.author == "student"] for turn in other_echo.seen
    }
    assert heard == {
        "my lab is due friday": ["roommate trouble"],
        "and the essay too": ["roommate trouble", "my lab is due friday"],
    }
    await other.stop()


async def test_a_turn_that_was_taken_over_is_not_stored_twice(desk: Desk, people: People, settings: Settings) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.gate.clear()
    received = await desk.service.take_turn(people.maya, conversation, "roommate trouble", idempotency_key="a")
    stream = desk.service.events(people.maya, conversation, received.turn_id)
    await anext(stream)
    await anext(stream)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "update turns set lease_until = now() - interval '1 second', created_at = now() - interval '1 minute'"
        )
    other_echo = Echo()
    other_echo.gate.set()
    other = make_runner(desk.db, other_echo, Broker(), desk.jobs)
    await other.sweep()
    await asyncio.gather(*other.running())
    assert other_echo.seen
    desk.echo.gate.set()
    await asyncio.gather(*desk.runner.running())
    assert len(await desk.texts(people.maya, conversation)) == 2


async def test_a_waiting_turn_stays_silent_when_a_later_message_went_to_the_script(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.gate.clear()
    first = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="a")
    stream = desk.service.events(people.maya, conversation, first.turn_id)
    await anext(stream)
    second = await desk.service.take_turn(people.maya, conversation, "and the essay too", idempotency_key="b")
    await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="c")
    desk.echo.gate.set()
    events = [event async for event in desk.service.events(people.maya, conversation, second.turn_id)]
    assert [event.name for event in events] == [EventName.DONE]
    assert [turn.text for turn in desk.echo.seen] == ["my lab is due friday"]


async def test_a_student_whose_key_is_gone_leaves_no_turn_behind(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    desk.echo.gate.clear()
    received = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="a")
    stream = desk.service.events(people.maya, conversation, received.turn_id)
    await anext(stream)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("delete from data_keys where subject_id = %s", (people.maya.account_id,))
    desk.echo.gate.set()
    await asyncio.gather(*desk.runner.running())
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        assert owner.execute("select state from turns").fetchall() == [("failed",)]
