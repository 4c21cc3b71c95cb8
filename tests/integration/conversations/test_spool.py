"""PostgreSQL is killed: what students write is answered, kept, told to people, and replayed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from conversations import replay
from conversations.cut_off import CutOff, SafetyReply
from conversations.snapshot import read_snapshot
from conversations.spool import SpoolBusy
from core.clock import ManualClock
from core.errors import Unavailable
from core.ids import ConversationId, InstitutionId, StudentId, new_id
from core.sealed_box import new_pair
from core.settings import Settings
from db.access import Acting
from db.embedded import EmbeddedRedis, clone_database, drop_database
from safety.triage.facts import DeliveryFacts, StudentFacts
from safety.triage.state import TriageState
from safety.types import Category, Mode, Screening, Severity
from simulators.run import Running
from tests.conftest import settings_over
from tests.cut_off import make_cut_off
from tests.integration.care.conftest import drain, until
from tests.integration.care.test_channels import MailServer, mail, receivers
from tests.integration.conversations.spool_desk import CALM, CRISIS, SpoolDesk, open_spool_desk
from tests.mortal import MortalPostgres
from tools.care.delivery import worker_app

__all__ = ["mail", "receivers"]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Iterator[MortalPostgres]:
    postgres = MortalPostgres.start(scratch / "mortal" / "pg", "empty")
    yield postgres
    postgres.stop()


@pytest.fixture
async def spool_desk(
    mortal: MortalPostgres,
    redis: EmbeddedRedis,
    secrets: dict[str, str],
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
) -> AsyncIterator[SpoolDesk]:
    mortal.restart()
    name = f"t{new_id().hex}"
    clone_database(mortal.server, "empty", name)
    webhook, sms = receivers
    webhook.control.reset()
    sms.control.reset()
    settings = settings_over(mortal.server, redis, secrets, name).model_copy(
        update={
            "smtp_url": SecretStr(mail[1]),
            "webhook_url": f"{webhook.base_url}/hook",
            "webhook_secret": SecretStr("shared-secret"),
        }
    )
    async with open_spool_desk(settings, mortal) as desk:
        yield desk
    mortal.restart()
    drop_database(mortal.server, name)


def spooled(desk: SpoolDesk) -> bytes:
    """Everything that lies in the spool."""
    return b"".join(file.read_bytes() for file in sorted((desk.settings.home / "spool").glob("*.*")))


async def test_a_crisis_is_answered_kept_sealed_and_told_to_people(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    received = await spool_desk.say(conversation, CRISIS)
    kept = received.kept
    assert received.path == "kept" and kept is not None
    said = " ".join(kept.step.messages)
    assert "send it again" not in said and "send this again" not in said
    assert "on-call contact" in said and "24/7 line" in said and "alert system" in said
    assert kept.step.resources or any(choice.href for choice in kept.step.choices)
    assert kept.delivery.sent_at is not None
    assert {message["To"] for message in mail[0].mails} == {"on-call@x.example", "line@x.example"}
    assert len(receivers[0].control.read("/deliveries")) == 1
    on_disk = spooled(spool_desk)
    for secret in (b"kill", b"pills", str(spool_desk.maya.account_id).encode(), b"suicide"):
        assert secret not in on_disk, secret
    assert spool_desk.spool.waits(conversation)


async def test_the_case_exists_once_and_shows_who_was_told(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    received = await spool_desk.say(conversation, CRISIS)
    assert received.kept is not None
    await spool_desk.restart()
    assert await spool_desk.replay() == 1
    [case] = spool_desk.rows("select * from cases")
    [ticket] = spool_desk.spool.replayed()
    assert (case["conversation_id"], case["status"], case["opened_at"]) == (conversation, "open", ticket.at)
    direct = spool_desk.rows("select * from deliveries where rung = 'direct' order by channel")
    assert [(row["channel"], row["state"], row["last_error"]) for row in direct] == [
        ("email", "sent", None), ("sms", "failed", "not_configured"), ("webhook", "sent", None),
    ]  # fmt: skip
    assert (
        direct[0]["sent_at"] <= received.kept.delivery.sent_at or direct[2]["sent_at"] <= received.kept.delivery.sent_at
    )
    attempts = spool_desk.rows("select recipient, accepted, error from delivery_attempts order by recipient")
    assert {(row["recipient"], row["accepted"]) for row in attempts} == {
        ("campus", True), ("line_24_7", True), ("nobody", False),
    }  # fmt: skip
    texts = await spool_desk.texts(conversation)
    assert texts[0] == ("student", CRISIS)
    assert [text for _, text in texts[1:]] == list(received.kept.step.messages[:-1])
    jobs = spool_desk.rows("select task_name, count(*) from procrastinate_jobs group by task_name")
    assert {row["task_name"]: row["count"] for row in jobs}["climb"] == 3
    turn = spool_desk.rows("select id, path, created_at from turns")
    assert turn == [{"id": received.turn_id, "path": "script", "created_at": ticket.at}]


async def test_whoever_was_told_directly_is_not_told_twice_and_nobody_is_left_out(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    told = len(mail[0].mails)
    await spool_desk.restart()
    await spool_desk.replay()
    app = worker_app(spool_desk.settings)
    async with app.open_async():
        await drain(app)
        on_call = spool_desk.rows("select channel, state, sent_at from deliveries where rung = 'on_call'")
        assert {(row["channel"], row["state"]) for row in on_call if row["channel"] in ("email", "webhook")} == {
            ("email", "sent"), ("webhook", "sent"),
        }  # fmt: skip
        assert all(row["sent_at"] for row in on_call if row["state"] == "sent")
        assert len(mail[0].mails) == told
        assert len(receivers[0].control.read("/deliveries")) == 1
        dsn = spool_desk.settings.owner_dsn.get_secret_value()
        make_due(dsn)
        await drain(app)
    later = spool_desk.rows(
        "select rung from deliveries where channel = 'email' and state = 'sent' and rung <> 'direct'"
    )
    assert {row["rung"] for row in later} == {"on_call", "backup", "supervisor", "line_24_7"}
    assert {message["To"] for message in mail[0].mails[told:]} == {"on-call@x.example", "line@x.example"}


def make_due(dsn: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(dsn) as owner:
        owner.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")


async def test_a_retry_of_the_client_and_the_replay_are_one_message(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    first = await spool_desk.say(conversation, CRISIS, "key")
    again = await spool_desk.say(conversation, CRISIS, "key")
    assert first.turn_id == again.turn_id
    await spool_desk.restart()
    late = await spool_desk.say(conversation, CRISIS, "key")
    assert (late.turn_id, late.path) == (first.turn_id, "script")
    assert await spool_desk.replay() == 2
    repeated = await spool_desk.say(conversation, CRISIS, "key")
    assert repeated.repeated and repeated.turn_id == first.turn_id
    assert [text for author, text in await spool_desk.texts(conversation) if author == "student"] == [CRISIS]
    assert len(spool_desk.rows("select 1 from cases")) == 1
    assert len(spool_desk.rows("select 1 from deliveries where rung = 'direct' and channel = 'email'")) == 1
    assert spool_desk.spool.waiting() == []


async def test_a_replay_that_dies_at_any_moment_loses_nothing_and_brings_nothing_in_twice(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.say(conversation, CALM)
    await spool_desk.restart()

    class Killed(BaseException):
        """The process is gone."""

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(spool_desk.spool, "finish", die)
        with pytest.raises(Killed):
            await spool_desk.replay()
    assert len(spool_desk.spool.waiting()) == 2
    with monkeypatch.context() as patch:
        patch.setattr(replay, "commit_turn", die)
        with pytest.raises(Killed):
            await spool_desk.replay()
    assert len(spool_desk.spool.waiting()) == 1, "an entry was given up before its message was committed"
    assert await spool_desk.replay() == 1
    texts = await spool_desk.texts(conversation)
    assert [text for author, text in texts if author == "student"] == [CRISIS, CALM]
    assert len(spool_desk.rows("select 1 from cases")) == 1
    assert len(spool_desk.rows("select 1 from case_events where kind = 'called'")) == 1


async def test_messages_are_replayed_in_the_order_in_which_they_came(spool_desk: SpoolDesk) -> None:
    conversations = [await spool_desk.begin() for _ in range(3)]
    spool_desk.postgres.kill()
    for number in range(4):
        for conversation in conversations:
            await spool_desk.say(conversation, f"message {number}")
    await spool_desk.restart()
    assert await spool_desk.replay() == 12
    for conversation in conversations:
        said = [text for author, text in await spool_desk.texts(conversation) if author == "student"]
        assert said == [f"message {number}" for number in range(4)]
    rows = spool_desk.rows("select path, state from turns")
    assert {(row["path"], row["state"]) for row in rows} == {("agent", "queued")}


async def test_the_script_goes_on_without_the_database_and_is_stored_as_it_was_said(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    first = await spool_desk.say(conversation, CRISIS)
    assert first.path == "script"
    spool_desk.postgres.kill()
    second = await spool_desk.say(conversation, "yes")
    third = await spool_desk.say(conversation, "no")
    assert second.kept is not None and third.kept is not None
    assert second.kept.step.messages != third.kept.step.messages
    await spool_desk.restart()
    await spool_desk.replay()
    texts = await spool_desk.texts(conversation)
    shown = [text for author, text in texts if author == "script"]
    for step in (second.kept.step, third.kept.step):
        assert set(step.messages) <= set(shown)
    answers = spool_desk.rows("select facts from case_events where kind = 'answer' order by at")
    assert [row["facts"]["value"] for row in answers][:1] == ["yes"]
    stands = await state_of(spool_desk, conversation)
    assert third.kept.step.state is not None and stands.item == third.kept.step.state.item
    assert len(spool_desk.rows("select 1 from cases")) == 1


async def test_what_the_script_did_not_know_is_not_forgotten(spool_desk: SpoolDesk) -> None:
    """Another process, or one that was restarted, knows nothing of the case: it only ever adds to it."""
    conversation = await spool_desk.begin()
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.say(conversation, "yes")
    before = await state_of(spool_desk, conversation)
    spool_desk.cut_off._standings.clear()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, "I will kill myself tonight")
    await spool_desk.restart()
    await spool_desk.replay()
    after = await state_of(spool_desk, conversation)
    assert len(spool_desk.rows("select 1 from cases")) == 1
    assert before.case_open and after.case_open
    assert set(before.asked) <= set(after.asked)
    assert before.answers.items() <= after.answers.items()
    assert after.severity.rank >= before.severity.rank


async def state_of(desk: SpoolDesk, conversation: ConversationId) -> TriageState:
    async with desk.db.acting(desk.maya) as tx:
        snapshot = await read_snapshot(tx, conversation, desk.clock.now())
    assert snapshot.triage is not None
    return snapshot.triage


async def test_nobody_reached_is_said_and_tried_again(
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conversations.cut_off.FIRST_WAIT_SECONDS", 0.05)
    server, webhook = mail[0], receivers[0]
    server.refuse = "451 try again later"
    webhook.control.set_faults({"kind": "server_error"})
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    received = await spool_desk.say(conversation, CRISIS)
    assert received.kept is not None
    assert received.kept.step.messages[-1].startswith("Nobody here has it yet")
    assert received.kept.delivery.sent_at is None
    server.refuse = None
    await until(lambda: len(server.mails) == 2)
    [ticket] = spool_desk.spool.waiting()
    await until(lambda: sum(attempt.accepted for attempt in spool_desk.spool.attempts(ticket)) >= 3)
    second = await spool_desk.say(conversation, CALM)
    assert second.kept is not None and second.kept.delivery.sent_at is not None
    await spool_desk.restart()
    await spool_desk.replay()
    [row] = spool_desk.rows("select id, attempts, state from deliveries where rung = 'direct' and channel = 'email'")
    assert row["state"] == "sent" and row["attempts"] >= 4
    errors = spool_desk.rows("select error from delivery_attempts where delivery_id = %s and not accepted", row["id"])
    assert {entry["error"] for entry in errors} == {"smtp_451"} and len(errors) >= 2


async def test_calls_that_a_dead_process_left_behind_are_taken_up(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    with monkeypatch.context() as patch:
        patch.setattr(CutOff, "_begin_call", lambda *_: None)  # kill -9 between the disk and the first call
        await spool_desk.say(conversation, CRISIS)
    assert mail[0].mails == []
    monkeypatch.setattr("conversations.cut_off.LEFT_BEHIND", spool_desk.clock.now() - spool_desk.clock.now())
    async with httpx.AsyncClient() as http:
        next_life = make_cut_off(spool_desk.settings, spool_desk.clock, http)
        await next_life.take_up()
        await until(lambda: len(mail[0].mails) == 2)
        await next_life.take_up()
        await next_life.close()
    assert len(mail[0].mails) == 2


async def test_a_conversation_that_never_began_begins_with_what_was_said_in_it(spool_desk: SpoolDesk) -> None:
    spool_desk.postgres.kill()
    conversation = ConversationId(new_id())
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.restart()
    await spool_desk.replay()
    assert (await spool_desk.texts(conversation))[0] == ("student", CRISIS)


async def test_words_in_somebody_elses_conversation_stay_the_writers_own(spool_desk: SpoolDesk) -> None:
    theirs = await spool_desk.begin(spool_desk.jonas)
    spool_desk.postgres.kill()
    await spool_desk.say(theirs, CRISIS)
    await spool_desk.restart()
    await spool_desk.replay()
    assert await spool_desk.texts(theirs, spool_desk.jonas) == []
    [case] = spool_desk.rows("select student_id, conversation_id from cases")
    assert case["student_id"] == spool_desk.maya.account_id and case["conversation_id"] != theirs


async def test_one_entry_that_cannot_be_opened_holds_back_its_conversation_alone(
    spool_desk: SpoolDesk, secrets: dict[str, str]
) -> None:
    lost, found = await spool_desk.begin(), await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(lost, CALM)
    [damaged] = spool_desk.spool.waiting()
    file = spool_desk.settings.home / "spool" / f"{damaged.name}.kept"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    await spool_desk.say(lost, "after it")
    await spool_desk.say(found, CRISIS)
    await spool_desk.restart()
    assert await spool_desk.replay() == 1
    assert len(spool_desk.spool.waiting()) == 2
    assert await spool_desk.texts(lost) == []
    assert (await spool_desk.texts(found))[0] == ("student", CRISIS)


async def test_only_the_private_key_opens_what_was_sealed(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.restart()
    other = {"spool_public_key": SecretStr(""), "spool_private_key": SecretStr(new_pair()[1])}
    async with spool_desk.replayer(spool_desk.settings.model_copy(update=other)) as stranger:
        assert await stranger.run() == 0
    rotated = ",".join((other["spool_private_key"].get_secret_value(), private_of(spool_desk.settings)))
    both = {"spool_public_key": SecretStr(""), "spool_private_key": SecretStr(rotated)}
    async with spool_desk.replayer(spool_desk.settings.model_copy(update=both)) as replayer:
        assert await replayer.run() == 1


def private_of(settings: Settings) -> str:
    return settings.spool_private_key.get_secret_value()


async def test_one_process_replays_at_a_time(spool_desk: SpoolDesk) -> None:
    async with spool_desk.replayer() as replayer:
        with spool_desk.spool.replaying(), pytest.raises(SpoolBusy):
            await replayer.run()
        assert await replayer.run() == 0


async def test_a_replay_waits_when_the_database_dies_again(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.restart()
    async with spool_desk.replayer() as replayer:
        spool_desk.postgres.kill()
        with pytest.raises(Unavailable):
            await replayer.run()
        await spool_desk.restart()
        await retry(replayer.run)
    assert len(spool_desk.rows("select 1 from cases")) == 1


async def retry(run: Any) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while True:
        try:
            await run()
            return
        except Unavailable:
            assert asyncio.get_running_loop().time() < deadline


async def test_a_disk_that_refuses_is_said_and_people_are_called_all_the_same(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()

    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(spool_desk.spool.__class__, "_write", full)
    with pytest.raises(SafetyReply) as caught:
        await spool_desk.say(conversation, CRISIS)
    assert "send it again" in caught.value.message
    assert caught.value.step.resources or any(choice.href for choice in caught.value.step.choices)
    await until(lambda: len(mail[0].mails) == 2)


async def test_the_next_calm_message_waits_for_what_was_said_before_it(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    await spool_desk.restart()
    saying = asyncio.create_task(spool_desk.say(conversation, CALM))
    await asyncio.sleep(0)
    await spool_desk.replay()
    received = await saying
    assert received.path != "agent"
    said = [text for author, text in await spool_desk.texts(conversation) if author == "student"]
    assert said == [CRISIS, CALM]


GOODBYE = "take care of my plants. goodbye then"


def judge(desk: SpoolDesk, found: Screening) -> None:
    """Let screening find this, in the API and in the worker."""
    desk.words.screen = lambda *_: found  # type: ignore[method-assign]


async def test_what_only_the_conversation_shows_is_acted_on_whatever_dies(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself it only asked; in the light of the conversation it is a crisis, and the worker dies as it acts on that."""
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    judge(spool_desk, Screening(False, True, Category.SUICIDE, Severity.LOW, 0.5, (), "test-1"))
    kept = (await spool_desk.say(conversation, GOODBYE)).kept
    assert kept is not None and not kept.screening.crisis
    judge(spool_desk, Screening(True, False, Category.SUICIDE, Severity.HIGH, 0.9, (), "test-1"))
    await spool_desk.restart()

    class Killed(BaseException):
        """The process is gone."""

    async def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(replay, "act_on_late", die)
        with pytest.raises(Killed):
            await spool_desk.replay()
    assert spool_desk.rows("select 1 from messages") == [], "the message was stored without what follows from it"
    assert await spool_desk.replay() == 1
    assert spool_desk.rows("select crisis, severity from screenings") == [{"crisis": True, "severity": "high"}]
    assert spool_desk.rows("select severity, tier from cases") == [{"severity": "high", "tier": "page_now"}]
    assert len(spool_desk.rows("select 1 from case_events where kind = 'called'")) == 1
    assert spool_desk.spool.waiting() == []


async def test_the_replay_never_makes_a_verdict_milder(spool_desk: SpoolDesk) -> None:
    conversation = await spool_desk.begin()
    spool_desk.postgres.kill()
    await spool_desk.say(conversation, CRISIS)
    judge(spool_desk, Screening(False, False, Category.NONE, Severity.NONE, 0.01, (), "test-1"))
    await spool_desk.restart()
    assert await spool_desk.replay() == 1
    assert spool_desk.rows("select crisis, severity from screenings") == [{"crisis": True, "severity": "high"}]


def test_a_person_who_was_writing_is_not_said_to_write_while_nothing_is_known(settings: Settings) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    cut_off = make_cut_off(settings, clock, httpx.AsyncClient())
    student = Acting.student(InstitutionId(new_id()), StudentId(new_id()))
    conversation = ConversationId(new_id())
    facts = StudentFacts(delivery=DeliveryFacts(sent_at=clock.now(), writing_at=clock.now()))
    cut_off.remember(student, conversation, Mode.TRIAGE, None, facts)
    standing = cut_off.standing(student, conversation)
    assert standing is not None
    assert (standing.delivery.sent_at, standing.delivery.writing_at) == (clock.now(), None)
