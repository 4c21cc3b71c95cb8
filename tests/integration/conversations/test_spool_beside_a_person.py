"""A counselor is in the conversation, the database dies, and the student writes crisis words that nobody reads now."""

from __future__ import annotations

import pytest

from conversations import cut_off, live, replay
from conversations.snapshot import read_snapshot
from core.crypto import KeyRing
from core.ids import CaseId, ConversationId, new_id
from db.access import Acting, Database, Role
from db.jobs import job_app
from safety.types import Mode
from simulators.run import Running
from tests.conftest import PASSWORD
from tests.integration.care.test_channels import MailServer, mail, receivers
from tests.integration.conversations.spool_desk import CALM, CRISIS, SpoolDesk
from tests.integration.conversations.test_spool import mortal, spool_desk
from tools.care import acts
from tools.people.accounts import Accounts, NewAccount

__all__ = ["mail", "mortal", "receivers", "spool_desk"]
WORSE = "nobody answers. I will kill myself now"


async def counselor_joins(desk: SpoolDesk) -> ConversationId:
    """A case whose counselor writes in the conversation, as this process saw it."""
    conversation = await desk.begin()
    await desk.say(conversation, CRISIS)
    rosa = await _counselor(desk)
    [case] = desk.rows("select id from cases")
    jobs = job_app(desk.settings.app_dsn.get_secret_value())
    async with desk.db.acting(rosa) as tx:
        await acts.claim(tx, CaseId(case["id"]), at=desk.clock.now())
        await live.reply(tx, jobs, CaseId(case["id"]), "I am Rosa. I am here.", at=desk.clock.now())
    assert (await desk.say(conversation, CALM)).path == "live_person"
    return conversation


async def _counselor(desk: SpoolDesk) -> Acting:
    keys = KeyRing.from_setting(desk.settings.master_key.get_secret_value())
    auth = Database(desk.settings.auth_dsn.get_secret_value(), keys, size=1)
    await auth.open()
    try:
        [campus] = desk.rows("select slug from institutions where id = %s", desk.maya.institution_id)
        account = NewAccount(f"rosa-{new_id().hex}@x.example", PASSWORD, "Rosa")
        return await Accounts(auth, keys, desk.settings, desk.clock).register(campus["slug"], account, Role.COUNSELOR)
    finally:
        await auth.close()


async def test_crisis_words_beside_a_person_get_the_fixed_words_and_people_are_called(
    spool_desk: SpoolDesk, mail: tuple[MailServer, str], receivers: tuple[Running, Running]
) -> None:
    conversation = await counselor_joins(spool_desk)
    spool_desk.postgres.kill()
    kept = (await spool_desk.say(conversation, WORSE)).kept
    assert kept is not None and kept.step.state is not None
    assert kept.step.mode is Mode.TRIAGE and kept.step.state.item is not None, "no question of the script was asked"
    assert kept.step.resources or any(choice.href for choice in kept.step.choices)
    assert {message["To"] for message in mail[0].mails} == {"on-call@x.example", "line@x.example"}
    assert len(receivers[0].control.read("/deliveries")) == 1
    assert kept.delivery.sent_at is not None


async def test_the_person_reads_later_what_was_said_without_them(spool_desk: SpoolDesk) -> None:
    conversation = await counselor_joins(spool_desk)
    spool_desk.postgres.kill()
    first = (await spool_desk.say(conversation, WORSE)).kept
    second = (await spool_desk.say(conversation, "yes")).kept
    assert first is not None and second is not None
    await spool_desk.restart()
    assert await spool_desk.replay() == 2
    said = [text for author, text in await spool_desk.texts(conversation) if author == "script"]
    for step in (first.step, second.step):
        assert set(step.messages[:1]) <= set(said)
    async with spool_desk.db.acting(spool_desk.maya) as tx:
        snapshot = await read_snapshot(tx, conversation, spool_desk.clock.now())
    assert snapshot.mode is Mode.LIVE_PERSON, "the person was sent away"
    assert len(spool_desk.rows("select 1 from cases")) == 1
    assert len(spool_desk.rows("select 1 from case_events where kind = 'called'")) == 2
    direct = spool_desk.rows("select channel from deliveries where rung = 'direct' and state = 'sent'")
    assert {row["channel"] for row in direct} >= {"email"}


async def test_calm_words_beside_a_person_call_nobody(spool_desk: SpoolDesk, mail: tuple[MailServer, str]) -> None:
    conversation = await counselor_joins(spool_desk)
    spool_desk.postgres.kill()
    kept = (await spool_desk.say(conversation, CALM)).kept
    assert kept is not None and kept.step.mode is Mode.LIVE_PERSON
    assert mail[0].mails == []


async def test_a_person_who_cannot_read_and_keeps_the_script_silent_is_noticed(
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cut_off, "_unaccompanied", lambda state: state)
    with pytest.raises(AssertionError):
        await test_crisis_words_beside_a_person_get_the_fixed_words_and_people_are_called(spool_desk, mail, receivers)


async def test_words_that_the_person_never_reads_are_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_with_what_was_said", lambda beside, said: beside)
    with pytest.raises(AssertionError):
        await test_the_person_reads_later_what_was_said_without_them(spool_desk)
