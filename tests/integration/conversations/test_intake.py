"""The first transaction: everything or nothing, in order, once."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from conversations import history
from core.errors import Conflict, NotFound
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.access import Acting
from db.embedded import EmbeddedPostgres
from safety.types import Mode
from tests.conftest import People
from tests.integration.conversations.conftest import Desk
from tools.care import ladder
from tools.people.keys import student_key

CRISIS = "I want to kill myself tonight and I have the pills right here"
COUNTS = """select (select count(*) from messages), (select count(*) from screenings), (select count(*) from cases),
                   (select count(*) from deliveries), (select count(*) from procrastinate_jobs where task_name = 'deliver')"""


def counts(settings: Settings) -> tuple[int, ...]:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute(COUNTS).fetchone()
    assert row is not None
    return tuple(row)


async def test_a_crisis_commits_message_screening_case_deliveries_jobs_and_reply_together(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    received = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a")
    messages, screenings, cases, deliveries, jobs = counts(settings)
    assert received.path == "script"
    assert screenings == 1
    assert cases == 1
    assert deliveries >= 2
    assert jobs == deliveries
    told = await desk.texts(people.maya, conversation)
    assert told[0] == ("student", CRISIS)
    assert [author for author, _ in told[1:]] == ["script"] * (messages - 1)
    assert not desk.echo.seen, "a crisis reached the responder"


async def test_nothing_is_stored_when_a_part_of_the_first_transaction_fails_and_the_student_is_answered(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise psycopg.errors.CheckViolation("seeded")

    conversation = await desk.begin(people.maya)
    monkeypatch.setattr(ladder, "defer", broken)
    received = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a")
    assert counts(settings) == (0, 0, 0, 0, 0)
    assert received.kept is not None and received.kept.screening.crisis


async def test_ten_messages_at_once_are_ten_turns_in_order(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    sent = [f"message number {n} about the chemistry lab" for n in range(10)]
    received = await asyncio.gather(
        *(desk.service.take_turn(people.maya, conversation, text, idempotency_key=text) for text in sent)
    )
    for entry in received:
        async for _ in desk.service.events(people.maya, conversation, entry.turn_id):
            pass
    told = await desk.texts(people.maya, conversation)
    by_seq = [text for _, text in sorted(zip([entry.seq for entry in received], sent, strict=True))]
    assert [text for author, text in told if author == "student"] == by_seq
    assert sorted(by_seq) == sorted(sent)
    assert [author for author, _ in told] == ["student", "companion"] * 10
    assert [turn.text for turn in desk.echo.seen] == by_seq


async def test_a_resend_with_the_same_key_changes_nothing(desk: Desk, people: People, settings: Settings) -> None:
    conversation = await desk.begin(people.maya)
    first, second = await asyncio.gather(
        *(desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="same") for _ in range(2))
    )
    assert first.turn_id == second.turn_id
    assert counts(settings)[2] == 1


async def test_a_reused_key_refuses_calm_words_and_never_a_crisis(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    first = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="same")
    with pytest.raises(Conflict):
        await desk.service.take_turn(people.maya, conversation, "my essay is due friday", idempotency_key="same")
    second = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="same")
    assert second.path == "script"
    assert second.turn_id != first.turn_id


async def test_a_damaged_row_does_not_keep_a_crisis_from_being_screened(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="a")
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("update messages set body_sealed = 'damaged'")
    received = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="b")
    assert received.kept is not None and received.kept.screening.crisis


async def test_what_left_the_ordinary_path_never_reaches_a_later_turn_of_the_responder(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a")
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("update conversations set mode = 'guarded', triage_sealed = null")
    received = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="b")
    async for _ in desk.service.events(people.maya, conversation, received.turn_id):
        pass
    [turn] = desk.echo.seen
    assert turn.history == ()


@pytest.mark.parametrize("who", ["jonas", "stranger"])
async def test_another_students_conversation_does_not_exist(desk: Desk, people: People, who: str) -> None:
    conversation = await desk.begin(people.maya)
    wrong: Acting = getattr(people, who)
    with pytest.raises(NotFound):
        await desk.service.take_turn(wrong, conversation, "hello", idempotency_key="a")
    with pytest.raises(NotFound):
        await desk.service.take_turn(wrong, ConversationId(new_id()), "hello", idempotency_key="a")
    with pytest.raises(NotFound):
        await desk.texts(wrong, conversation)


async def test_a_rate_limit_is_never_asked_about_a_crisis(desk: Desk, people: People) -> None:
    asked: list[str] = []

    async def refuse() -> None:
        asked.append("asked")
        raise Conflict

    conversation = await desk.begin(people.maya)
    received = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a", allow=refuse)
    assert received.path == "script"
    assert not asked
    calm = await desk.begin(people.maya)
    with pytest.raises(Conflict):
        await desk.service.take_turn(people.maya, calm, "what is due this week?", idempotency_key="b", allow=refuse)


async def test_without_the_database_a_crisis_still_gets_the_fixed_reply(
    desk: Desk, people: People, postgres: EmbeddedPostgres, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    name = psycopg.conninfo.conninfo_to_dict(settings.app_dsn.get_secret_value())["dbname"]
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false')
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
    received = await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a")
    assert received.kept is not None and received.kept.screening.crisis
    step = received.kept.step
    assert step.messages
    assert step.resources or any(choice.href for choice in step.choices)


async def test_a_person_in_the_conversation_silences_the_companion(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("update conversations set mode = 'live_person' where id = %s", (conversation,))
    received = await desk.service.take_turn(people.maya, conversation, "thanks for writing", idempotency_key="a")
    assert received.path == "live_person"
    assert await desk.texts(people.maya, conversation) == [("student", "thanks for writing")]
    assert not desk.echo.seen


async def test_deleting_a_conversation_removes_what_came_from_it(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    received = await desk.service.take_turn(people.maya, conversation, "my lab is due friday", idempotency_key="a")
    async for _ in desk.service.events(people.maya, conversation, received.turn_id):
        pass
    async with desk.db.acting(people.maya) as tx:
        assert await history.delete_conversation(tx, conversation, at=desk.service.now())
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        for table in ("conversations", "turns", "messages", "screenings", "tool_calls"):
            row = owner.execute(
                psycopg.sql.SQL("select count(*) from {}").format(psycopg.sql.Identifier(table))
            ).fetchone()
            assert row == (0,), table


async def test_deletion_waits_for_an_open_case(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, CRISIS, idempotency_key="a")
    async with desk.db.acting(people.maya) as tx:
        assert not await history.delete_conversation(tx, conversation, at=desk.service.now())
    with pytest.raises(NotFound):
        await desk.texts(people.maya, conversation)


async def test_a_quiet_conversation_stays_ordinary(desk: Desk, people: People) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, "my roommate snores", idempotency_key="a")
    assert (await desk.service.status(people.maya, conversation)).mode is Mode.ORDINARY


async def test_a_triage_state_that_cannot_be_read_is_never_taken_for_ordinary(
    desk: Desk, people: People, settings: Settings
) -> None:
    conversation = await desk.begin(people.maya)
    async with desk.db.acting(people.maya) as tx:
        sealed = (await student_key(tx)).seal('{"step": "of another version"}', f"conversations.triage:{conversation}")
        await tx.conn.execute(
            "update conversations set mode = 'triage', triage_sealed = %s where id = %s", (sealed, conversation)
        )
    received = await desk.service.take_turn(people.maya, conversation, "what is due this week?", idempotency_key="a")
    assert received.path in ("careful", "script")
    assert not desk.echo.seen
    assert len(await desk.texts(people.maya, conversation)) > 1
