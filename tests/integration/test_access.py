"""Row-level security: what each login and each wrong person sees of a student's rows, which is nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from conversations import history
from core.errors import ConfigurationError, NotFound
from core.settings import Settings
from db import roles
from db.access import Acting, Database
from db.embedded import EmbeddedPostgres
from tests.conftest import People
from tools.academic.tasks import create_task
from tools.care.plan import SafetyPlan, save_plan
from tools.people.keys import student_key, subject_key
from tools.wellness.mood import log_mood, mood_history

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STUDENT_TABLES = ("conversations", "mood_logs", "tasks", "safety_plans", "data_keys", "profiles")
WRONG = ("jonas", "rosa", "operator", "stranger", "foreign_counselor")


async def fill(database: Database, who: Acting) -> None:
    async with database.acting(who) as tx:
        key = await student_key(tx)
        await history.begin(tx, at=NOW)
        await log_mood(tx, key, score=3, emotions=["lonely"], note="private words", at=NOW)
        await create_task(tx, key, title="private task")
        await save_plan(tx, key, SafetyPlan(people_to_ask=("Priya",)), at=NOW)


async def seen(database: Database, who: Acting, table: str, owner: Acting) -> int:
    column = {"data_keys": "subject_id", "profiles": "account_id"}.get(table, "student_id")
    query = sql.SQL("select count(*) from {} where {} = %s").format(sql.Identifier(table), sql.Identifier(column))
    async with database.acting(who) as tx:
        row = await (await tx.conn.execute(query, (owner.account_id,))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("wrong", WRONG)
async def test_the_wrong_person_sees_no_row_of_a_student(database: Database, people: People, wrong: str) -> None:
    await fill(database, people.maya)
    for table in STUDENT_TABLES:
        assert await seen(database, people.maya, table, people.maya) == 1, table
        assert await seen(database, getattr(people, wrong), table, people.maya) == 0, table


async def test_a_student_cannot_write_into_another_students_rows(database: Database, people: People) -> None:
    await fill(database, people.maya)
    async with database.acting(people.jonas) as tx:
        changed = await tx.conn.execute("update tasks set completed_at = now()")
        removed = await tx.conn.execute("delete from mood_logs")
    assert (changed.rowcount, removed.rowcount) == (0, 0)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.acting(people.jonas) as tx:
            await tx.conn.execute(
                "insert into reminders (institution_id, student_id, instrument, every_days, hour, next_at)"
                " values (%s, %s, 'sleep', 1, 9, now())",
                (people.maya.institution_id, people.maya.student_id),
            )


async def test_nobody_acting_sees_nothing(database: Database, people: People) -> None:
    await fill(database, people.maya)
    async with database.connection() as conn:
        for table in (*STUDENT_TABLES, "accounts", "institutions", "cases", "messages"):
            row = await (
                await conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
            ).fetchone()
            assert row == (0,), table


async def test_the_app_login_cannot_read_credentials_or_refresh_tokens(database: Database, people: People) -> None:
    async with database.acting(people.maya) as tx:
        rows = await (await tx.conn.execute("select id from accounts")).fetchall()
        assert rows == [(people.maya.account_id,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.acting(people.maya) as tx:
            await tx.conn.execute("select count(*) from refresh_tokens")


async def test_messages_and_the_access_log_are_append_only(database: Database, people: People) -> None:
    for statement in (
        "update messages set author = 'student'",
        "delete from access_log",
        "update case_events set kind = 'x'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with database.acting(people.maya) as tx:
                await tx.conn.execute(statement)


async def test_a_counselor_without_a_case_cannot_open_a_students_key(database: Database, people: People) -> None:
    async with database.acting(people.rosa) as tx:
        with pytest.raises(NotFound):
            await subject_key(tx, people.maya.account_id)


async def test_what_a_student_wrote_is_sealed_on_disk(database: Database, people: People, settings: Settings) -> None:
    await fill(database, people.maya)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        stored = owner.execute(
            "select note_sealed from mood_logs union all select title_sealed from tasks union all select plan_sealed from safety_plans"
        ).fetchall()
    assert len(stored) == 3
    assert not any(word in bytes(value[0]) for value in stored for word in (b"private", b"Priya"))
    async with database.acting(people.maya) as tx:
        [entry] = await mood_history(tx, await student_key(tx), since=NOW)
    assert entry.note == "private words"


@pytest.mark.parametrize("login", ["superuser", "owner"])
async def test_a_powerful_login_is_refused_at_start(
    postgres: EmbeddedPostgres, settings: Settings, people: People, login: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(settings.app_dsn.get_secret_value())["dbname"]
    user = {"superuser": "postgres", "owner": roles.OWNER}[login]
    powerful = Database(postgres.dsn(user, str(name)), people.accounts.keys, size=1)
    try:
        with pytest.raises(ConfigurationError, match="row-level security"):
            await powerful.open()
    finally:
        await powerful.close()


async def test_every_table_has_forced_row_level_security(settings: Settings) -> None:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        bare = owner.execute(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
            " and relname !~ '^(procrastinate|alembic)' and not (relrowsecurity and relforcerowsecurity)"
        ).fetchall()
    assert bare == []
