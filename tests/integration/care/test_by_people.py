"""What a student's request may write about a case, through the service's own logins: it opens, it rises, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from core.crypto import KeyRing
from core.ids import StudentId
from db.access import Acting, Database, Role
from safety.policy import Tier
from safety.types import Category, Severity
from tests.integration.care.conftest import CLEAR, Campus, crisis, drain
from tools.care import acts, alarm, cases
from tools.care.cases import SERVICE
from tools.care.delivery import WorkerApp

BY_PEOPLE_ALONE = (
    "update cases set status = 'closed', outcome = 'contacted', closed_at = now()",
    "update cases set status = 'claimed', claimed_by = student_id, claimed_at = now()",
    "update cases set status = 'live'",
    "update cases set severity = 'low'",
    "update cases set tier = 'none'",
    "update cases set confidential = false",
    "update cases set acknowledged_at = now()",
    "update cases set first_opened_at = now()",
    "update cases set offered_to = student_id",
    "update cases set writing_at = now()",
    "update cases set last_person_at = now()",
    "update cases set follow_up_at = now()",
    "update cases set due_at = due_at + interval '1 day'",
    "update cases set due_at = null",
    "update cases set synthetic = true",
    "update cases set opened_at = now() + interval '1 day'",
    "update cases set conversation_id = null",
    "insert into cases (id, institution_id, student_id, category, severity, tier, status, claimed_by)"
    " select gen_random_uuid(), institution_id, student_id, category, severity, tier, 'claimed', student_id from cases",
    "insert into messages (id, institution_id, student_id, conversation_id, seq, part, author, body_sealed)"
    " select gen_random_uuid(), institution_id, student_id, id, 999, 0, 'counselor', '\\x00' from conversations",
    "insert into case_events (id, case_id, institution_id, student_id, kind)"
    " select gen_random_uuid(), id, institution_id, student_id, 'closed' from cases",
    "insert into case_events (id, case_id, institution_id, student_id, kind, actor_id)"
    " select gen_random_uuid(), id, institution_id, student_id, 'note', gen_random_uuid() from cases",
    "update case_events set at = now()",
    "insert into case_rules (case_id, institution_id, student_id, layer, rule)"
    " select id, institution_id, student_id, 'lexicon', 'forged' from cases",
    "delete from cases",
    "delete from deliveries",
    "delete from delivery_attempts",
)
BY_THE_WORKER_ALONE = (
    "update deliveries set state = 'failed', last_error = 'forged'",
    "update deliveries set state = 'sent', sent_at = now()",
    "update deliveries set attempts = 9",
    "insert into deliveries (id, case_id, institution_id, student_id, channel, reason, state, sent_at)"
    " select gen_random_uuid(), id, institution_id, student_id, 'email', 'forged', 'sent', now() from cases",
    "update delivery_attempts set accepted = true",
    "insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted, at)"
    " select gen_random_uuid(), id, institution_id, student_id, 'forged', 1, true, now() from deliveries",
    "update alarms set cleared_at = now()",
    "update alarms set told_at = now()",
    "insert into alarms (id, institution_id, kind, raised_at) select gen_random_uuid(), id, 'forged', now() from institutions",
)
ROWS = ("cases", "messages", "case_events", "case_rules", "deliveries", "delivery_attempts", "alarms")


async def prepare(campus: Campus, worker: WorkerApp) -> None:
    """A grave, confidential case that was called about, with an attempt on record and an alarm that stands."""
    await campus.crisis()
    campus.change("update cases set confidential = true")
    await drain(worker)
    await alarm.raise_alarm(
        worker.desk, "undelivered", campus.people.maya.institution_id, channel="x", error="y", attempts=4
    )


def stored(campus: Campus) -> dict[str, list[dict[str, Any]]]:
    """Every row that the statements would touch."""
    with psycopg.connect(campus.settings.owner_dsn.get_secret_value(), row_factory=dict_row) as owner:
        everything = sql.SQL("select * from {} order by 1, 2")
        return {table: owner.execute(everything.format(sql.Identifier(table))).fetchall() for table in ROWS}


async def attempt(database: Database, who: Acting, statement: str) -> None:
    """Do it as somebody; that it is refused is as good as that it finds nothing."""
    try:
        async with database.acting(who) as tx:
            await tx.conn.execute(statement)  # type: ignore[call-overload]  # the test's own statements
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException):
        pass


async def test_under_a_students_acting_the_api_only_opens_and_raises(campus: Campus, worker: WorkerApp) -> None:
    await prepare(campus, worker)
    before = stored(campus)
    assert before["delivery_attempts"] and before["alarms"]
    maya, people = campus.people.maya, campus.people
    student = StudentId(maya.account_id)
    admin = replace(people.operator, student_id=student)
    for statement in (*BY_PEOPLE_ALONE, *BY_THE_WORKER_ALONE):
        for who in (maya, people.jonas, people.stranger, replace(people.jonas, account_id=maya.account_id)):
            await attempt(campus.db, who, statement)
            assert stored(campus) == before, (who, statement)
        if "alarms" not in statement:
            await attempt(campus.db, admin, statement)
            assert stored(campus) == before, statement


async def test_the_worker_for_a_student_does_nothing_of_what_people_do(campus: Campus, worker: WorkerApp) -> None:
    await prepare(campus, worker)
    before = stored(campus)
    maya = campus.people.maya
    who = Acting(maya.institution_id, SERVICE, Role.STUDENT, StudentId(maya.account_id))
    keys = KeyRing.from_setting(campus.settings.master_key.get_secret_value())
    database = Database(campus.settings.worker_dsn.get_secret_value(), keys, size=1)
    await database.open()
    try:
        for statement in BY_PEOPLE_ALONE:
            await attempt(database, who, statement)
            assert stored(campus) == before, statement
    finally:
        await database.close()


async def test_a_grave_conversation_is_held_and_its_message_is_not_lost(campus: Campus) -> None:
    conversation = await campus.crisis()
    before = campus.rows("select mode, triage_sealed from conversations")
    async with campus.db.acting(campus.people.maya) as tx:
        await tx.conn.execute(
            "update conversations set mode = 'ordinary', triage_sealed = null, summary_sealed = '\\x01'"
        )
    [after] = campus.rows("select mode, triage_sealed, summary_sealed from conversations")
    assert (after["mode"], after["triage_sealed"]) == ("guarded", before[0]["triage_sealed"])
    assert after["summary_sealed"] == b"\x01", "the rest of the change is kept"
    assert (await campus.say(conversation, "is anybody there?")).path != "agent"


async def test_nobody_but_the_person_leaves_a_conversation_for_them(campus: Campus) -> None:
    from conversations import live  # noqa: PLC0415

    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await live.reply(tx, campus.jobs, case, "Hi, I'm here.", at=campus.clock.now())
    async with campus.db.acting(campus.people.maya) as tx:
        await tx.conn.execute("update conversations set mode = 'ordinary'")
    assert campus.rows("select mode from conversations") == [{"mode": "live_person"}]
    async with campus.db.acting(campus.people.rosa) as tx:
        await live.give_back(tx, campus.jobs, case, "Talk soon.", at=campus.clock.now())
    assert campus.rows("select mode from conversations") == [{"mode": "guarded"}]


async def test_a_case_that_is_settled_or_slight_lets_its_conversation_go(campus: Campus) -> None:
    await campus.crisis(Severity.MODERATE)
    async with campus.db.acting(campus.people.maya) as tx:
        await tx.conn.execute("update conversations set mode = 'ordinary', triage_sealed = null")
    assert campus.rows("select mode, triage_sealed from conversations") == [{"mode": "ordinary", "triage_sealed": None}]


async def test_the_deadline_of_a_case_never_moves_later(campus: Campus) -> None:
    conversation = await campus.crisis()
    [before] = campus.rows("select due_at from cases")
    async with campus.db.acting(campus.people.maya) as tx:
        case = await cases.open_case_of(tx, conversation)
        assert case is not None
        later = before["due_at"] + timedelta(days=1)
        now = campus.clock.now()
        await cases.raise_case(
            tx, case, category=Category.SUICIDE, severity=Severity.IMMINENT, tier=Tier.PAGE_ALL, due_at=later, at=now
        )
    assert campus.rows("select due_at from cases") == [before]
    async with campus.db.acting(campus.people.maya) as tx:
        sooner = before["due_at"] - timedelta(minutes=1)
        await cases.raise_case(
            tx, case, category=Category.SUICIDE, severity=Severity.IMMINENT, tier=Tier.PAGE_ALL, due_at=sooner, at=now
        )
    assert campus.rows("select due_at from cases") == [{"due_at": sooner}]


@pytest.mark.parametrize(
    ("crisis_", "clarify", "severity", "taken"),
    [
        (True, False, "high", True),
        (True, False, "imminent", True),
        (True, False, "moderate", False),
        (True, True, "low", False),
        (False, True, "imminent", False),
        (False, False, "none", False),
    ],
)
async def test_the_database_keeps_no_milder_second_verdict(
    campus: Campus, crisis_: bool, clarify: bool, severity: str, taken: bool
) -> None:
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, "some words", replace(crisis(Severity.HIGH), degraded=("classifier",)))
    [screening] = campus.rows("select message_id from screenings")
    keys = KeyRing.from_setting(campus.settings.master_key.get_secret_value())
    database = Database(campus.settings.worker_dsn.get_secret_value(), keys, size=1)
    await database.open()
    try:
        async with database.acting(campus.people.maya) as tx:
            row = await (
                await tx.conn.execute(
                    "select store_second_look(%s, %s, %s, 'suicide', %s, 0.5, '\\x00', 'test-2', now())",
                    (screening["message_id"], crisis_, clarify, severity),
                )
            ).fetchone()
    finally:
        await database.close()
    assert row == (taken,)
    assert campus.rows("select severity from screenings") == [{"severity": severity if taken else "high"}]


def test_of_two_verdicts_the_graver_stands() -> None:
    high, low = crisis(Severity.HIGH), crisis(Severity.LOW)
    asks = replace(CLEAR, clarify=True, severity=Severity.LOW)
    for first, again, worse in ((high, low, high), (low, high, high), (high, CLEAR, high), (CLEAR, asks, asks)):
        found = first.or_worse(again)
        assert (found.crisis, found.clarify, found.severity) == (worse.crisis, worse.clarify, worse.severity)
    both = high.or_worse(replace(low, clarify=True))
    assert both.severity is Severity.HIGH, "that it also asks is nothing beside how grave it is"
