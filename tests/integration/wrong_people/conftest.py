"""Maya's campus and another one, with everybody who is the wrong person for Maya's things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.parts import open_parts
from core.ids import new_id
from core.settings import Settings
from db.access import Acting, Database, Role
from tests.conftest import PASSWORD, People
from tests.integration.wrong_people.world import MARK, MOOD_AT, World
from tools.academic.canvas import mirror
from tools.academic.canvas.client import Token
from tools.academic.canvas.connections import begin_connection
from tools.academic.canvas.models import Work
from tools.academic.study import assumed, save_week
from tools.academic.tasks import create_task
from tools.care.plan import SafetyPlan, save_plan
from tools.care.terms import MyTerms, save_terms
from tools.events.reminders import set_reminder
from tools.events.signals import raise_signal
from tools.people.accounts import NewAccount
from tools.people.companion import CompanionSettings, save_settings
from tools.people.consent import ConsentKind, consent_texts, give_consent
from tools.people.contacts import ContactPurpose, Person, add_contact
from tools.people.keys import student_key
from tools.people.uses import decide
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import save_entry
from tools.wellness.mood import log_mood

SPOKEN = f"I want to kill myself tonight, {MARK}"
WORK = "work-of-hers-in-canvas"
# What nothing above writes by itself: rows of Maya's, so that there is something to see in every table.
SEEDED = """
insert into access_log (id, institution_id, student_id, actor_id, actor_role, what)
  select gen_random_uuid(), institution_id, id, id, 'counselor', 'case' from accounts where id = %(maya)s;
insert into tool_calls (turn_id, call_id, institution_id, student_id, tool, result_sealed)
  select id, 'x', institution_id, student_id, 'x', '' from turns where student_id = %(maya)s;
insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted, at)
  select gen_random_uuid(), id, institution_id, student_id, 'x', 1, true, now() from deliveries where student_id = %(maya)s;
insert into examples (id, student_id, institution_id, conversation_id, kind, row_sealed, screening_version, kept_by, kept_at)
  select gen_random_uuid(), student_id, institution_id, id, 'miss', '', 'x', student_id, now()
  from conversations where student_id = %(maya)s;
insert into case_rules (case_id, institution_id, student_id, layer, rule)
  select id, institution_id, student_id, 'x', 'x' from cases where student_id = %(maya)s;
insert into canvas_sign_ins (state_hash, institution_id, student_id, verifier_sealed, redirect_url, expires_at)
  select 'x', institution_id, id, '', '', now() from accounts where id = %(maya)s;
insert into caring_notes (id, institution_id, student_id, conversation_id, case_id, counselor_id, signed_sealed, number, due_at)
  select gen_random_uuid(), institution_id, student_id, conversation_id, id, student_id, '', 0, '2100-01-01' from cases
  where student_id = %(maya)s;
insert into week_answers (student_id, institution_id, week, felt, answered_at)
  select id, institution_id, '2026-11-16', 5, now() from accounts where id = %(maya)s;
update cases set status = 'closed', outcome = 'contacted', closed_at = now() where student_id = %(maya)s
"""


async def _person(people: People, campus: str, name: str, role: Role) -> Acting:
    account = NewAccount(f"{name}@{campus}.example", PASSWORD, name.title(), "18_24", "US", "America/Denver")
    return await people.accounts.register(campus, account, role)


async def _everybody(settings: Settings, people: People) -> dict[str, Acting]:
    closed_student = await _person(people, "hill", "leo", Role.STUDENT)
    closed_counselor = await _person(people, "hill", "kim", Role.COUNSELOR)
    demoted = await _person(people, "hill", "ana", Role.COUNSELOR)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "update accounts set status = 'disabled' where id = any(%s)",
            ([closed_student.account_id, closed_counselor.account_id],),
        )
    return {
        "other_student": people.jonas,
        "student_elsewhere": people.stranger,
        "counselor": people.rosa,
        "supervisor": await _person(people, "hill", "uma", Role.SUPERVISOR),
        "operator": people.operator,
        "counselor_elsewhere": people.foreign_counselor,
        "supervisor_elsewhere": await _person(people, "valley", "vic", Role.SUPERVISOR),
        "operator_elsewhere": await _person(people, "valley", "oda", Role.ADMIN),
        "closed_student": closed_student,
        "closed_counselor": closed_counselor,
        "demoted_supervisor": replace(demoted, role=Role.SUPERVISOR),
    }


async def _fill(database: Database, maya: Acting) -> dict[str, str]:
    async with database.acting(maya) as tx:
        key = await student_key(tx)
        await log_mood(tx, key, score=3, note=MARK, at=MOOD_AT)
        task = await create_task(tx, key, title=MARK)
        await give_consent(tx, ConsentKind.CANVAS, consent_texts()[ConsentKind.CANVAS].version, at=MOOD_AT)
        await begin_connection(tx, key, Token(MARK, MARK, None), at=MOOD_AT)
        await mirror.replace(tx, key, Work, [Work(id=WORK, course_id="1", name=MARK)])
        await save_week(tx, key, assumed(), at=MOOD_AT)
        await save_plan(tx, key, SafetyPlan(people_to_ask=(MARK,)), at=MOOD_AT)
        await save_terms(tx, key, MyTerms(helps=MARK, updated_at=MOOD_AT), at=MOOD_AT)
        contact = await add_contact(tx, key, Person(MARK), ContactPurpose.CRISIS, at=MOOD_AT)
        await decide(tx, "mood", "companion", granted=True, at=MOOD_AT)
        await give_consent(tx, ConsentKind.EXAMPLES, consent_texts()[ConsentKind.EXAMPLES].version, at=MOOD_AT)
        made = definition("symptoms")
        entry = await save_entry(tx, key, made, {"around": MARK}, None, day=MOOD_AT.date(), at=MOOD_AT)
        await raise_signal(tx, key, "mood_drop", at=MOOD_AT)
        await save_settings(tx, key, CompanionSettings(tone="plain"), at=MOOD_AT)
        await set_reminder(tx, "symptoms", every_days=1, hour=12, at=MOOD_AT)
    return {"task_id": str(task.id), "contact_id": str(contact.id), "entry_id": str(entry.id)}


async def _speak(world: World) -> dict[str, str]:
    """Let Maya say what opens a case, over the API; returns the ids of what came of it."""
    async with world.client("maya") as client:
        begun = await client.post("/api/v1/conversations")
        conversation = begun.json()["id"]
        said = await client.post(
            f"/api/v1/conversations/{conversation}/turns", json={"text": SPOKEN}, headers={"Idempotency-Key": "x"}
        )
        assert said.status_code == 200, said.text
    with psycopg.connect(world.settings.owner_dsn.get_secret_value()) as owner:
        for statement in SEEDED.split(";"):
            owner.execute(statement, {"maya": world.maya.account_id})
        row = owner.execute(
            "select c.id, m.id, t.id from cases c, messages m, turns t where c.student_id = %(maya)s"
            " and m.student_id = %(maya)s and t.student_id = %(maya)s order by m.seq limit 1",
            {"maya": world.maya.account_id},
        ).fetchone()
    assert row is not None
    case, message, turn = map(str, row)
    both = {"conversation_id": conversation, "conversation": conversation}
    return both | {"work_id": WORK, "case_id": case, "message": message, "turn_id": turn}


@pytest.fixture
async def world(settings: Settings, people: People, database: Database) -> AsyncIterator[World]:
    """Everything of Maya's; her case is closed, so that it opens nothing to anybody."""
    await people.accounts.login("hill", "maya@hill.example", PASSWORD)
    ids = {
        "duty_id": str(new_id()),
        "account_id": str(new_id()),
        "kind": "examples",
        "part": "script",
        "slug": "x",
        "name": "sleep",
    }
    nowhere = {"canvas_url": "http://127.0.0.1:9", "canvas_client_id": "1", "canvas_client_secret": SecretStr("x")}
    settings = settings.model_copy(update=nowhere)
    async with open_parts(settings) as parts:
        app = create_app(settings, parts)
        app.state.parts = parts  # The transport runs no lifespan.
        made = World(settings, parts, app, people.maya, await _everybody(settings, people), ids)
        ids |= await _fill(database, people.maya)
        ids |= await _speak(made)
        yield made
