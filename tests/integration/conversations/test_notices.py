"""That it is software is said at the start and again after hours of use: stored, told and dated by a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from conversations import first_transaction, history, intake
from conversations.first_transaction import Received
from conversations.incoming import Incoming
from conversations.intake import Intake
from core.clock import ManualClock
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.jobs import job_app
from safety.disclosure import Notice, notice_text
from safety.types import Category, Severity
from tests.conftest import People
from tests.integration.conversations.conftest import Desk
from tests.integration.conversations.test_routes import CLEAR, Told, found

START, REMINDER, BREAK, SOME = Notice.AI_AT_START, Notice.AI_REMINDER, Notice.MINOR_BREAK, Notice.NOT_FOR_SOME_MINORS


@dataclass
class Use:
    """Maya, who writes when the test says so."""

    desk: Desk
    people: People
    settings: Settings
    clock: ManualClock
    told: Told
    intake: Intake
    conversation: ConversationId | None = None

    async def write(self, *, after: timedelta = timedelta(minutes=1), new: bool = False) -> Received:
        self.clock.advance(after)
        if new or self.conversation is None:
            self.conversation = await self.desk.begin(self.people.maya)
        return await self.intake.receive(Incoming(self.people.maya, self.conversation, "words", str(new_id())))

    async def write_for(self, hours: float) -> list[Notice]:
        """Write every twenty minutes; returns what was shown meanwhile."""
        shown: list[Notice] = []
        for _ in range(int(hours * 3)):
            shown += (await self.write(after=timedelta(minutes=20))).notices
        return shown

    async def stored(self) -> list[tuple[str, str]]:
        assert self.conversation is not None
        async with self.desk.db.acting(self.people.maya) as tx:
            messages = await history.read_messages(tx, self.conversation)
        return [(m.extras.get("notice", m.author), m.text) for m in messages]

    def change(self, query: str, *values: object) -> None:
        with psycopg.connect(self.settings.owner_dsn.get_secret_value()) as owner:
            owner.execute(query, values)  # type: ignore[arg-type]  # the tests' own statements


@pytest.fixture
def use(desk: Desk, people: People, settings: Settings) -> Iterator[Use]:
    clock, told = ManualClock(datetime.now(UTC)), Told()
    with ThreadPoolExecutor(1) as executor:
        jobs = job_app(settings.app_dsn.get_secret_value())
        yield Use(
            desk, people, settings, clock, told, Intake(desk.db, jobs, told, clock, executor, desk.intake._cut_off)
        )


async def test_the_first_message_ever_is_told_that_this_is_software_and_it_is_kept(use: Use) -> None:
    assert (await use.write()).notices == (START,)
    assert (await use.write()).notices == ()
    assert (await use.stored())[:2] == [(START, notice_text(START)), ("student", "words")]


async def test_it_is_said_again_after_three_hours_of_use_in_whatever_conversation(use: Use) -> None:
    await use.write()
    assert await use.write_for(2.9) == []
    assert (await use.write(after=timedelta(minutes=21), new=True)).notices == (REMINDER,)
    assert await use.write_for(2.9) == []
    assert await use.write_for(0.4) == [REMINDER]


async def test_hours_away_are_no_hours_of_use(use: Use) -> None:
    await use.write()
    assert (await use.write(after=timedelta(hours=5))).notices == (START,)


async def test_a_known_minor_is_told_more_and_reminded_of_a_break(use: Use) -> None:
    use.change("update profiles set age_band = '16_17'")
    assert (await use.write()).notices == (START, SOME)
    assert await use.write_for(3.1) == [REMINDER, BREAK]
    assert [kind for kind, _ in await use.stored() if kind not in ("student", "script")] == [
        START,
        SOME,
        REMINDER,
        BREAK,
    ]


async def test_in_a_crisis_nothing_stands_before_the_script_and_the_notice_comes_after(use: Use) -> None:
    use.told.verdict = found(Category.SUICIDE, Severity.MODERATE)
    assert (await use.write()).notices == ()
    assert "software" in str(await use.stored()), "the script says itself what it is"
    use.told.verdict = CLEAR
    use.conversation = None
    assert (await use.write()).notices == (START,)


async def test_the_notice_is_in_the_students_language(use: Use) -> None:
    use.change("update profiles set language = 'es'")
    await use.write()
    assert (await use.stored())[0][1] == notice_text(START, "es")


async def test_a_resend_says_nothing_twice(use: Use) -> None:
    conversation = use.conversation = await use.desk.begin(use.people.maya)
    for _ in range(2):
        await use.intake.receive(Incoming(use.people.maya, conversation, "words", "same"))
    assert [kind for kind, _ in await use.stored()] == [START, "student"]


async def test_a_notice_that_is_not_stored_is_noticed(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(first_transaction, "_store_notices", nothing)
    with pytest.raises(AssertionError):
        await test_the_first_message_ever_is_told_that_this_is_software_and_it_is_kept(use)


async def test_a_reminder_that_is_never_due_is_noticed(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = intake.due_notices
    monkeypatch.setattr(intake, "due_notices", lambda *facts: tuple(set(whole(*facts)) & {START, SOME}))
    with pytest.raises(AssertionError):
        await test_it_is_said_again_after_three_hours_of_use_in_whatever_conversation(use)
