"""The database is down and somebody is in danger: people are told from what was known before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from core.ids import new_id
from core.settings import Settings
from db.access import Database
from safety.policy import Tier
from tests.integration.care.conftest import Campus
from tests.integration.care.test_channels import MailServer, mail, outside, receivers
from tools.care.channels import open_channels
from tools.care.direct import DirectCall

__all__ = ["mail", "outside", "receivers"]


@pytest.fixture
async def direct(outside: Settings) -> AsyncIterator[DirectCall]:
    async with httpx.AsyncClient() as http:
        yield DirectCall(open_channels(outside, http), outside.public_url)


async def test_people_are_called_although_the_database_is_gone(
    campus: Campus, direct: DirectCall, settings: Settings, mail: tuple[MailServer, str]
) -> None:
    institution, about = campus.people.maya.institution_id, new_id()
    campus.change('update institutions set settings = settings || \'{"line_24_7": {"email": "line@x.example"}}\'')
    assert await direct.learn(campus.db) == 2
    gone = Database(f"{settings.app_dsn.get_secret_value()} dbname=no_such_database", campus.db._keys, size=1)
    await gone._pool.open(wait=False)
    gone._pool.timeout = 0.2
    assert await direct.learn(gone) == 2
    await gone.close()
    for _ in range(2):
        told = await direct.call(institution, Tier.PAGE_NOW, about, at=campus.clock.now())
        assert set(told) == {"email", "webhook"}
    mails = mail[0].mails
    assert {message["To"] for message in mails} == {"on-call@x.example", "line@x.example"}
    assert len({message["Message-ID"] for message in mails}) == 2
    assert "Maya" not in str(mails[0])


async def test_what_does_not_page_waits_for_the_replay(campus: Campus, direct: DirectCall) -> None:
    await direct.learn(campus.db)
    institution = campus.people.maya.institution_id
    assert await direct.call(institution, Tier.SAME_DAY, new_id(), at=campus.clock.now()) == ()


async def test_a_confidential_matter_is_not_told_to_the_campus_address(
    campus: Campus, direct: DirectCall, mail: tuple[MailServer, str]
) -> None:
    await direct.learn(campus.db)
    institution = campus.people.maya.institution_id
    await direct.call(institution, Tier.PAGE_NOW, new_id(), at=campus.clock.now(), confidential=True)
    assert mail[0].mails == []


async def test_an_unknown_campus_still_rings_the_webhook(campus: Campus, direct: DirectCall) -> None:
    assert await direct.call(campus.people.maya.institution_id, Tier.PAGE_ALL, new_id(), at=campus.clock.now()) == (
        "webhook",
    )
