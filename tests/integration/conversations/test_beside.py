"""Notes and alerts: a student's words that are no message are screened like one, and a crisis in them reaches people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from conversations import beside, history
from conversations.beside import ASKED_WORDS, Beside
from conversations.broker import Broker
from conversations.service import Conversations
from conversations.snapshot import read_snapshot
from core.errors import Unavailable
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.access import Acting
from db.embedded import EmbeddedRedis
from db.jobs import job_app
from safety.types import Mode, ScreeningContext
from simulators.run import Running
from tests.conftest import People
from tests.integration.care.test_channels import MailServer, mail, receivers
from tests.integration.conversations.conftest import Desk, Echo, make_runner
from tests.integration.conversations.spool_desk import SpoolDesk
from tests.integration.conversations.test_spool import mortal, spool_desk
from tests.mutation import seed

__all__ = ["mail", "mortal", "receivers", "spool_desk"]
CRISIS = "I want to kill myself tonight and I have the pills right here"
CALM = "long day, the lab went okay"
Check = Callable[[Desk, People, Settings], Awaitable[None]]


def count(settings: Settings, table: str) -> int:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]  # noqa: S608
    assert row is not None
    return int(row[0])


async def mode_of(desk: Desk, who: Acting, conversation: ConversationId) -> Mode:
    async with desk.db.acting(who) as tx:
        return await history.require_conversation(tx, conversation)


async def test_clear_words_stay_where_they_were_written(desk: Desk, people: People, settings: Settings) -> None:
    assert await desk.beside.hear(people.maya, CALM, key="a") is None
    assert await desk.beside.hear(people.maya, "  ", key="b") is None
    assert count(settings, "messages") == count(settings, "conversations") == 0
    assert not desk.echo.seen


async def test_a_crisis_in_a_note_reaches_people(desk: Desk, people: People, settings: Settings) -> None:
    answered = await desk.beside.hear(people.maya, CRISIS, key="a")
    assert answered is not None and answered.path == "script" and answered.crisis is not None
    assert answered.crisis["messages"] and answered.crisis["resources"]
    said = await desk.texts(people.maya, answered.conversation)
    assert said[0] == ("student", CRISIS) and {author for author, _ in said[1:]} == {"script"}
    assert count(settings, "cases") == 1 and count(settings, "deliveries") > 0
    assert not desk.echo.seen


async def test_the_same_note_again_opens_nothing_again(desk: Desk, people: People, settings: Settings) -> None:
    first = await desk.beside.hear(people.maya, CRISIS, key="a")
    again = await desk.beside.hear(people.maya, CRISIS, key="a")
    assert first is not None and again is not None
    assert first.conversation == again.conversation
    assert count(settings, "turns") == count(settings, "cases") == 1


async def test_a_note_goes_where_the_student_last_was(desk: Desk, people: People) -> None:
    await desk.begin(people.maya)
    last = await desk.begin(people.maya)
    answered = await desk.beside.hear(people.maya, CRISIS, key="a")
    assert answered is not None and answered.conversation == last


async def test_a_note_is_heard_in_the_light_of_the_conversation(
    desk: Desk, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await desk.begin(people.maya)
    await desk.service.take_turn(people.maya, conversation, "my sister is visiting", idempotency_key="1")
    seen: list[ScreeningContext] = []
    judge = desk.intake.judge

    async def look(text: str, context: ScreeningContext) -> Any:
        seen.append(context)
        return await judge(text, context)

    monkeypatch.setattr(desk.intake, "judge", look)
    await desk.beside.hear(people.maya, CALM, key="a")
    assert "my sister is visiting" in [turn.text for turn in seen[0].prior]


async def test_an_alert_tells_people_and_the_script_goes_on(desk: Desk, people: People, settings: Settings) -> None:
    answered = await desk.beside.ask_for_person(people.maya, key="a")
    assert answered.path == "script" and answered.crisis is not None
    assert "As you asked, I'm sending" in " ".join(answered.crisis["messages"])
    assert await mode_of(desk, people.maya, answered.conversation) is Mode.TRIAGE
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        assert owner.execute("select tier, status from cases").fetchall() == [("page_now", "open")]


async def test_an_alert_in_a_case_raises_it_and_loses_no_question(desk: Desk, people: People) -> None:
    first = await desk.beside.hear(people.maya, "sometimes I wish I was dead", key="a")
    assert first is not None
    async with desk.db.acting(people.maya) as tx:
        before = (await read_snapshot(tx, first.conversation, desk.service.now())).triage
    answered = await desk.beside.ask_for_person(people.maya, key="b")
    assert answered.conversation == first.conversation
    async with desk.db.acting(people.maya) as tx:
        after = (await read_snapshot(tx, first.conversation, desk.service.now())).triage
    assert before is not None and after is not None
    assert after.item == before.item and after.severity == before.severity and after.tier.pages


async def test_two_alerts_page_once(desk: Desk, people: People, settings: Settings) -> None:
    await desk.beside.ask_for_person(people.maya, key="a")
    told = count(settings, "deliveries")
    await desk.beside.ask_for_person(people.maya, key="b")
    assert count(settings, "cases") == 1 and count(settings, "deliveries") == told


@pytest.fixture
async def cut(spool_desk: SpoolDesk) -> AsyncIterator[Beside]:  # pytest's way
    desk, broker = spool_desk, Broker()
    jobs = job_app(desk.settings.app_dsn.get_secret_value())
    runner = make_runner(desk.db, Echo(), broker, jobs)
    service = Conversations(desk.db, desk.intake, runner, broker, desk.cut_off, desk.clock)
    yield Beside(desk.db, jobs, desk.intake, service, desk.cut_off, desk.clock)
    await runner.stop()


async def test_without_the_database_a_note_and_an_alert_still_reach_people(
    spool_desk: SpoolDesk, cut: Beside, redis: EmbeddedRedis, mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
) -> None:  # fmt: skip
    spool_desk.postgres.kill()
    with pytest.raises(Unavailable):
        await cut.hear(spool_desk.maya, CALM, key="calm")
    note = await cut.hear(spool_desk.maya, "I am going to kill myself", key="note")
    assert note is not None and note.path == "kept" and note.crisis is not None
    alert = await cut.ask_for_person(spool_desk.jonas, key=str(new_id()))
    assert alert.path == "kept" and alert.crisis is not None
    assert len(receivers[0].control.read("/deliveries")) >= 2
    await spool_desk.restart()
    assert await spool_desk.replay() == 2
    assert ("student", ASKED_WORDS) in await spool_desk.texts(alert.conversation, spool_desk.jonas)
    assert len(spool_desk.rows("select id from cases")) == 2


@pytest.mark.parametrize(
    ("function", "old", "new", "check"),
    [
        (beside.Beside.hear, "if screening.clear:", "if True:", test_a_crisis_in_a_note_reaches_people),
        (beside.Beside.hear, "idempotency_key=key", "idempotency_key=str(new_id())",
         test_the_same_note_again_opens_nothing_again),
        (beside.Beside._asked, "step.state, at=now", "snapshot.triage, at=now",
         test_two_alerts_page_once),
    ],
)  # fmt: skip
async def test_a_seeded_bug_is_noticed(
    desk: Desk, people: People, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    function: Callable[..., Any], old: str, new: str, check: Check,
) -> None:  # fmt: skip
    seed(monkeypatch, function, old, new)
    with pytest.raises(AssertionError):
        await check(desk, people, settings)
