"""Every table, read with each wrong person's own login: no row of Maya's."""

from __future__ import annotations

import psycopg
from psycopg import sql

from core.errors import NotAuthenticated
from core.settings import Settings
from tests.integration.wrong_people.world import MOOD_AT, OF_THE_CAMPUS, REVOKED, World, held, student_tables
from tools.people.erasing import erase

OF_NO_STUDENT = {
    "institutions", "instrument_texts", "outbox", "heartbeats", "staff", "on_call", "alarms", "probe_runs", "recovery_codes", "one_time_tokens",
    "sign_in_attempts", "protocol_changes", "signatures", "knowledge_documents", "knowledge_passages",
    "knowledge_vectors", "knowledge_postings", "knowledge_lexemes", "knowledge_corpora",
}  # fmt: skip
"""Tables that belong to a campus, to staff, to the sign-in login alone or to everybody."""
RECORD = {"cases", "case_events", "case_rules", "deliveries", "delivery_attempts"}
"""The campus's record of a case that is closed: facts, no words that its staff can open."""


async def holes(world: World) -> list[str]:
    """Tables in which a wrong person's own login sees a row of Maya's."""
    found = []
    with psycopg.connect(world.settings.owner_dsn.get_secret_value()) as owner:
        tables = student_tables(owner)
    for name in world.people:
        who = world.parts.accounts.access.read(world.token(name))
        for table, column in tables.items():
            query = sql.SQL("select count(*) from {} where {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            try:
                async with world.parts.db.acting(who) as tx:
                    row = await (await tx.conn.execute(query, (world.maya.account_id,))).fetchone()
            except (psycopg.errors.InsufficientPrivilege, NotAuthenticated):
                continue
            if row != (0,) and not (name in OF_THE_CAMPUS and table in RECORD):
                found.append(f"{name} sees {table}")
    return found


async def test_every_table_is_walked_or_belongs_to_no_student(settings: Settings) -> None:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        every = {
            row[0]
            for row in owner.execute(
                "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
                " and relname !~ '^(procrastinate|alembic)'"
            )
        }
        assert every == set(student_tables(owner)) | OF_NO_STUDENT
        owner.execute("create table diaries (id uuid primary key, owner uuid)")
        assert "diaries" not in set(student_tables(owner)) | OF_NO_STUDENT
        owner.rollback()


async def test_row_level_security_hides_every_table_from_every_wrong_person(world: World) -> None:
    """There is something to see in every table, nobody sees it, and a hole is noticed."""
    assert [table for table, (rows, _) in held(world.settings, world.maya).items() if not rows] == []
    assert await holes(world) == []
    with psycopg.connect(world.settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("create policy hole on mood_logs for select to companion_app using (true)")
    assert await holes(world) == [f"{name} sees mood_logs" for name in world.people if name not in REVOKED]


async def test_a_deletion_leaves_nothing_but_the_record_and_a_closed_account(world: World) -> None:
    """Hers is in every table before; a new table that the deletion forgets fails here."""
    async with world.parts.db.acting(world.maya) as tx:
        assert await erase(tx, at=MOOD_AT)
    left = {table for table, (rows, _) in held(world.settings, world.maya).items() if rows}
    assert left == RECORD | {"accounts"}
