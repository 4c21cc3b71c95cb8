"""300 conversations with planted crises while every part is killed: all answered, all delivered, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core.ids import new_id
from tests.chaos.storm import Weathered, run_storm
from tests.chaos.verdict import judge
from tests.chaos.world import World, open_world


@pytest.fixture(scope="module")
def weathered(scratch: Path) -> Iterator[tuple[World, Weathered]]:
    with open_world(scratch / "chaos") as world:
        storm = run_storm(world)
        yield world, storm


@pytest.mark.timeout(900)
def test_every_crisis_is_answered_and_delivered_and_no_message_is_lost(weathered: tuple[World, Weathered]) -> None:
    _, storm = weathered
    assert storm.verdict.faults == {}
    assert storm.verdict.crises == 100
    assert storm.verdict.kept_while_the_database_was_down > 0, "nothing came while the database was down"
    assert storm.verdict.delivered_directly > 0, "nobody was called while the database was down"
    assert storm.struck.worker_killed_mid_delivery
    assert all(storm.struck.turns_in_hand_when_the_api_died), "the API died with nothing in hand"


def test_the_judge_notices_what_is_missing(weathered: tuple[World, Weathered]) -> None:
    """Each thing that has to be zero is made one, in the database or in what the students were answered."""
    world, storm = weathered
    crisis = next(one for one in storm.sent if one.crisis)
    calm = next(one for one in storm.sent if not one.crisis)
    unheard = [replace(one, scripted=False) if one is crisis else one for one in storm.sent]
    assert judge(world, unheard).faults == {"crises_without_the_script": 1}
    assert judge(world, [*storm.sent, replace(calm, text="never stored (note 999.9)")]).faults == {"lost_messages": 1}
    unanswered = [replace(one, status=0) if one is calm else one for one in storm.sent]
    assert judge(world, unanswered).faults == {"unanswered_messages": 1}
    dsn = world.settings.owner_dsn.get_secret_value()
    for statements, faults in BROKEN.items():
        with psycopg.connect(dsn) as owner:
            for statement in statements:
                owner.execute(statement)
            owner.commit()
        found = set(judge(world, storm.sent).faults)
        assert faults <= found, statements


BROKEN: dict[tuple[str, ...], set[str]] = {
    ("update case_events set kind = 'called', facts = '{\"reason\": \"words\"}' where kind = 'opened'",): {
        "cases_called_more_than_once"
    },
    ("update turns set state = 'queued' where id = (select id from turns limit 1)",): {"unfinished_turns"},
    (
        "alter table cases disable trigger user",
        "update cases set status = 'closed', outcome = 'test', closed_at = now()",
        "insert into cases (id, institution_id, student_id, conversation_id, category, severity, tier, status, opened_at)"
        " select gen_random_uuid(), institution_id, student_id, conversation_id, category, severity, tier, 'open', now()"
        " from cases limit 1",
    ): {"crises_with_several_cases", "cases_not_delivered"},
    ("delete from cases",): {"crises_without_a_case"},
}
"""Statements that break what is stored, and what the judge has to say then; one after the other, each on top of the last."""


def test_an_id_that_nobody_received_does_not_count(weathered: tuple[World, Weathered]) -> None:
    world, _ = weathered
    from tests.chaos.verdict import Received  # noqa: PLC0415

    received = Received.of(world)
    assert not received.has({"id": new_id(), "channel": "webhook", "rung": "on_call"})
    assert not received.has({"id": new_id(), "channel": "email", "rung": "direct"})
