"""The on-call schedule: planned by supervisors, reached by text, private to the institution."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotAllowed, NotFound
from core.ids import AccountId, new_id
from db.access import Acting, Role
from safety.policy import Rung
from tests.integration.care.conftest import Campus, add_person
from tools.care.delivery import WorkerApp
from tools.care.roster import recipients
from tools.care.rota import add_duty, read_rota, remove_duty, set_confidential, set_phone

HOUR = timedelta(hours=1)


@pytest.fixture
async def vera(campus: Campus) -> Acting:
    return await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)


async def test_a_planned_duty_is_reached_by_mail_and_text_while_it_lasts(
    campus: Campus, worker: WorkerApp, vera: Acting
) -> None:
    now, sam = campus.clock.now(), campus.people.sam
    async with campus.db.acting(sam) as tx:
        await set_phone(tx, "+15550100123", at=now)
    async with campus.db.acting(vera) as tx:
        duty = await add_duty(tx, sam.account_id, Rung.ON_CALL, now, now + HOUR)
        [entry] = await read_rota(tx, since=now)
    assert (entry.name, entry.rung) == ("Sam", Rung.ON_CALL)
    assert b"5550100123" not in campus.rows("select phone_sealed from staff")[0]["phone_sealed"]
    service = worker.desk.acting(str(sam.institution_id), str(campus.people.maya.account_id))
    async with worker.desk.db.acting(service) as tx:
        [reached] = await recipients(tx, Rung.ON_CALL, at=now)
        [fallback] = await recipients(tx, Rung.ON_CALL, at=now + HOUR)
    assert (reached.email, reached.phone) == ("sam@hill.example", "+15550100123")
    assert fallback.email == "on-call@x.example"
    async with campus.db.acting(vera) as tx:
        await remove_duty(tx, duty)
        assert await read_rota(tx, since=now) == []
        with pytest.raises(NotFound):
            await remove_duty(tx, duty)


async def test_only_supervisors_plan_and_only_for_their_own_people(campus: Campus, vera: Acting) -> None:
    now = campus.clock.now()
    for who in (campus.people.rosa, campus.people.maya, campus.people.operator):
        async with campus.db.acting(who) as tx:
            with pytest.raises(NotAllowed):
                await add_duty(tx, campus.people.sam.account_id, Rung.ON_CALL, now, now + HOUR)
    async with campus.db.acting(vera) as tx:
        for account, rung, end in (
            (campus.people.foreign_counselor.account_id, Rung.ON_CALL, now + HOUR),
            (campus.people.maya.account_id, Rung.ON_CALL, now + HOUR),
            (AccountId(new_id()), Rung.ON_CALL, now + HOUR),
            (campus.people.sam.account_id, Rung.LINE_24_7, now + HOUR),
            (campus.people.sam.account_id, Rung.BACKUP, now),
        ):
            with pytest.raises(InvalidInput):
                await add_duty(tx, account, rung, now, end)
    async with campus.db.acting(campus.people.foreign_counselor) as tx:
        assert await read_rota(tx, since=now) == []


async def test_a_number_without_a_country_is_refused(campus: Campus) -> None:
    async with campus.db.acting(campus.people.sam) as tx:
        for number in ("5550100", "+0123456789", "call me", ""):
            with pytest.raises(InvalidInput):
                await set_phone(tx, number, at=campus.clock.now())


async def test_nobody_makes_themself_confidential(campus: Campus) -> None:
    sam = campus.people.sam.account_id
    for who in (campus.people.sam, campus.people.rosa, campus.people.maya):
        async with campus.db.acting(who) as tx:
            with pytest.raises(NotAllowed):
                await set_confidential(tx, sam, True)
            forced = await (await tx.conn.execute("select set_confidential(%s, true)", (sam,))).fetchone()
            assert forced == (False,)
    async with campus.db.acting(campus.people.operator) as tx:
        await set_confidential(tx, sam, True)
        with pytest.raises(NotFound):
            await set_confidential(tx, campus.people.foreign_counselor.account_id, True)
    assert campus.rows("select confidential from staff") == [{"confidential": True}]
