"""The API watches what cannot tell of itself: a dead worker, a database that is down, a spool that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conversations.spool import Spool, Ticket
from conversations.watch import Watch, WatchDesk
from core.errors import Unavailable
from core.ids import ConversationId, InstitutionId, new_id
from core.sealed_box import SealingKey
from safety.policy import Tier
from tests.integration.care.conftest import Campus
from tools.care import operator
from tools.care.operator import Operator

MINUTE = timedelta(minutes=1)


@dataclass
class Told(Operator):
    """An operator who keeps what they are told."""

    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def tell(self, alarm: UUID, institution: InstitutionId | None, kind: str, facts: dict[str, Any]) -> None:
        self.heard.append((kind, facts))


@dataclass
class Watching:
    """A watch and what it told."""

    watch: Watch
    told: Told
    spool: Spool

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told.heard]


@pytest.fixture
async def watching(campus: Campus) -> AsyncIterator[Watching]:
    told, spool = Told(), Spool(campus.settings.home)
    yield Watching(Watch(WatchDesk(campus.db, campus.clock, told, spool)), told, spool)


async def test_a_silent_worker_is_told_once_and_again_after_it_lived(campus: Campus, watching: Watching) -> None:
    await watching.watch.look()
    assert watching.kinds == []
    campus.clock.advance(3 * MINUTE)
    for _ in range(3):
        await watching.watch.look()
    assert watching.kinds == ["worker_silent"]
    campus.change("insert into heartbeats (part, at) values ('worker', %s)", campus.clock.now())
    await watching.watch.look()
    assert campus.rows("select 1 from alarms where cleared_at is null") == []
    campus.clock.advance(3 * MINUTE)
    await watching.watch.look()
    assert watching.kinds == ["worker_silent", "worker_silent"]


async def test_a_synthetic_crisis_that_never_comes_through_is_told(campus: Campus, watching: Watching) -> None:
    campus.change("update institutions set created_at = created_at - interval '1 day'")
    campus.change("insert into heartbeats (part, at) values ('worker', %s)", campus.clock.now() + 60 * MINUTE)
    campus.clock.advance(20 * MINUTE)
    await watching.watch.look()
    assert watching.kinds == []
    campus.clock.advance(20 * MINUTE)
    await watching.watch.look()
    assert watching.told.heard == [("probe_missing", {"count": 2})]
    campus.change(
        "insert into probe_runs (id, institution_id, started_at, acknowledged_at) select id, id, %s, %s from institutions",
        campus.clock.now(),
        campus.clock.now(),
    )
    await watching.watch.look()
    assert campus.rows("select 1 from alarms where cleared_at is null") == []


async def test_a_database_that_is_down_is_told_directly_and_once(
    campus: Campus, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Any:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(campus.db), "connection", gone)
        await watching.watch.look()
        assert watching.kinds == [], "a restart is no alarm"
        for _ in range(3):
            await watching.watch.look()
        assert watching.told.heard == [("database", {"count": 0})]
    await watching.watch.look()
    with monkeypatch.context() as patch:
        patch.setattr(type(campus.db), "connection", gone)
        for _ in range(2):
            await watching.watch.look()
    assert watching.kinds == ["database", "database"]


async def test_messages_that_wait_although_the_database_answers_are_told(campus: Campus, watching: Watching) -> None:
    public = campus.settings.spool_public_key.get_secret_value()
    ticket = Ticket(
        new_id(), ConversationId(new_id()), campus.people.maya.institution_id, campus.clock.now(), Tier.NONE, False
    )
    watching.spool.put(ticket, b"words", SealingKey.from_setting(public, "public"))
    campus.change("insert into heartbeats (part, at) values ('worker', %s)", campus.clock.now() + 60 * MINUTE)
    await watching.watch.look()
    assert watching.kinds == []
    campus.clock.advance(3 * MINUTE)
    for _ in range(2):
        await watching.watch.look()
    assert watching.told.heard == [("spool_stands", {"count": 1})]


async def test_one_alarm_that_cannot_be_told_keeps_back_no_other(campus: Campus, watching: Watching) -> None:
    whole = watching.told.tell

    async def tell(alarm: UUID, institution: InstitutionId | None, kind: str, facts: dict[str, Any]) -> None:
        if kind == "odd":
            raise RuntimeError("nobody thought of this one")
        await whole(alarm, institution, kind, facts)

    watching.told.tell = tell  # type: ignore[method-assign]
    campus.change(
        "insert into alarms (id, kind, raised_at) values (gen_random_uuid(), 'odd', now() - interval '1 day')"
    )
    campus.clock.advance(3 * MINUTE)
    await watching.watch.look()
    assert watching.kinds == ["worker_silent"]
    assert campus.rows("select kind from alarms where told_at is null") == [{"kind": "odd"}]


def test_an_alarm_of_another_version_is_told_by_its_name() -> None:
    assert "'of_next_year'" in operator._words("of_next_year", None, {"count": 3})
    assert "'database'" in operator._words("database", None, {}), "its facts are not those that the words ask for"
    assert "3 messages" in operator._words("database", None, {"count": 3})
