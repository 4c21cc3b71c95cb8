"""The database is down and somebody is in danger: people are told from what was known before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import pytest

from core.ids import new_id
from core.settings import Settings
from db.access import Database
from safety.policy import Tier
from tests.integration.care.conftest import Campus
from tests.integration.care.test_channels import MailServer, mail, outside, receivers
from tools.care.channels import open_channels
from tools.care.contacts import Contacts
from tools.care.direct import Alert, Attempt, DirectCall

__all__ = ["mail", "outside", "receivers"]


@dataclass
class Outside:
    """Contacts and channels, and what became of each attempt."""

    contacts: Contacts
    direct: DirectCall
    heard: list[Attempt] = field(default_factory=list)

    async def call(
        self, campus: Campus, tier: Tier, about: UUID | None = None, *, confidential: bool = False
    ) -> set[str]:
        """Call, and return the channels that were accepted somewhere."""

        async def told(attempt: Attempt) -> None:
            self.heard.append(attempt)

        institution = campus.people.maya.institution_id
        alert = Alert(about or new_id(), institution, tier, confidential, campus.clock.now())
        return {attempt.channel for attempt in await self.direct.call(alert, told) if attempt.accepted}


@pytest.fixture
async def direct(campus: Campus, outside: Settings) -> AsyncIterator[Outside]:
    async with httpx.AsyncClient() as http:
        contacts = Contacts(outside.home)
        yield Outside(contacts, DirectCall(contacts, open_channels(outside, http), outside.public_url, campus.clock))


async def test_people_are_called_although_the_database_is_gone(
    campus: Campus, direct: Outside, settings: Settings, mail: tuple[MailServer, str]
) -> None:
    campus.change('update institutions set settings = settings || \'{"line_24_7": {"email": "line@x.example"}}\'')
    assert await direct.contacts.learn(campus.db) == 2
    gone = Database(
        f"{settings.app_dsn.get_secret_value()} dbname=no_such_database", campus.db._keys, size=1, timeout_seconds=0.2
    )
    await gone.open(must_answer=False)
    assert await direct.contacts.learn(gone) == 2
    await gone.close()
    about = new_id()
    for _ in range(2):
        assert await direct.call(campus, Tier.PAGE_NOW, about) == {"email", "webhook"}
    mails = mail[0].mails
    assert {message["To"] for message in mails} == {"on-call@x.example", "line@x.example"}
    assert len({message["Message-ID"] for message in mails}) == 2
    assert "Maya" not in str(mails[0])


async def test_a_way_that_was_accepted_is_not_taken_again(
    campus: Campus, direct: Outside, mail: tuple[MailServer, str]
) -> None:
    await direct.contacts.learn(campus.db)
    mail[0].refuse = "451 try again later"
    assert await direct.call(campus, Tier.PAGE_NOW) == {"webhook"}
    refused = [attempt for attempt in direct.heard if attempt.channel == "email"]
    assert [(attempt.error, attempt.final) for attempt in refused] == [("smtp_451", False)]
    mail[0].refuse = None
    done = {attempt.way for attempt in direct.heard if attempt.final}

    async def nothing(_: Attempt) -> None:
        return None

    alert = Alert(new_id(), campus.people.maya.institution_id, Tier.PAGE_NOW, False, campus.clock.now())
    again = await direct.direct.call(alert, nothing, done=done)
    assert [(attempt.channel, attempt.accepted) for attempt in again] == [("email", True)]


async def test_contacts_outlive_the_process(campus: Campus, direct: Outside, outside: Settings) -> None:
    await direct.contacts.learn(campus.db)
    institution = campus.people.maya.institution_id
    later = Contacts(outside.home)
    assert [to.email for to in later.recipients(institution, confidential=False)] == ["on-call@x.example"]
    assert later.staffing(institution, campus.clock.now()).now
    (outside.home / "contacts.json").write_text("{damaged")
    assert not Contacts(outside.home).staffing(institution, campus.clock.now()).now


async def test_what_does_not_page_waits_for_the_replay(campus: Campus, direct: Outside) -> None:
    await direct.contacts.learn(campus.db)
    assert await direct.call(campus, Tier.SAME_DAY) == set()
    assert direct.heard == []


async def test_a_confidential_matter_is_not_told_to_the_campus_address(
    campus: Campus, direct: Outside, mail: tuple[MailServer, str]
) -> None:
    await direct.contacts.learn(campus.db)
    await direct.call(campus, Tier.PAGE_NOW, confidential=True)
    assert mail[0].mails == []


async def test_an_unknown_campus_still_rings_the_webhook(campus: Campus, direct: Outside) -> None:
    assert await direct.call(campus, Tier.PAGE_ALL) == {"webhook"}
    missed = {attempt.channel: attempt.error for attempt in direct.heard if not attempt.accepted}
    assert missed == {"email": "no_address", "sms": "no_address"}
