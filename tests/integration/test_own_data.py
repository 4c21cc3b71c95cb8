"""What a student decides about their own data: profile, consents, contacts, taking it along, deleting it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from conversations import history
from core.errors import InvalidInput, NotAllowed, NotFound
from core.ids import new_id
from core.settings import Settings
from db.access import Acting, Database
from tests.conftest import PASSWORD, People
from tests.mutation import seed
from tools.academic.tasks import create_task
from tools.people import uses as deciding
from tools.people.contacts import ContactPurpose, Person, add_contact, contacts, remove_contact
from tools.people.erasing import erase
from tools.people.keys import student_key
from tools.people.profile import OwnProfile, own_profile, save_profile
from tools.people.taking_along import LEFT_OUT, PARTS, take_along
from tools.people.uses import allows, decide, require_use, uses
from tools.wellness.mood import log_mood

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rows(settings: Settings, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        return owner.execute(query, values).fetchall()  # type: ignore[arg-type]  # fixed text of this file


async def fill(database: Database, who: Acting) -> None:
    async with database.acting(who) as tx:
        key = await student_key(tx)
        await history.begin(tx, at=NOW)
        await log_mood(tx, key, score=3, emotions=["lonely"], note="private words", at=NOW)
        await create_task(tx, key, title="private task")
        await add_contact(tx, key, Person("Priya", phone="555"), ContactPurpose.CRISIS, at=NOW)
        await decide(tx, "mood", "companion", granted=True, at=NOW)


async def test_a_profile_is_kept_whole_and_its_private_parts_sealed(
    database: Database, people: People, settings: Settings
) -> None:
    told = OwnProfile("Mai", "they/them", "25_plus", "US-CA", "Asia/Tokyo", "es", "a screen reader")
    async with database.acting(people.maya) as tx:
        await save_profile(tx, told, at=NOW)
    async with database.acting(people.maya) as tx:
        assert await own_profile(tx) == told
        with pytest.raises(InvalidInput):
            await save_profile(tx, OwnProfile("Mai", None, None, None, "Mars/Base", "en", None), at=NOW)
    [stored] = rows(
        settings,
        "select name_sealed, accommodations_sealed from profiles where account_id = %s",
        people.maya.account_id,
    )
    assert b"Mai" not in bytes(stored[0]) and b"screen" not in bytes(stored[1])


async def test_a_withdrawal_holds_at_once_and_the_history_stays(
    database: Database, people: People, settings: Settings
) -> None:
    async with database.acting(people.maya) as tx:
        await require_use(tx, "mood", "companion")
        await decide(tx, "mood", "companion", granted=False, at=NOW)
        with pytest.raises(NotAllowed):
            await require_use(tx, "mood", "companion")
        assert await allows(tx, "tasks", "companion")
        await decide(tx, "mood", "companion", granted=True, at=NOW + timedelta(seconds=1))
        assert await allows(tx, "mood", "companion")
        with pytest.raises(InvalidInput):
            await decide(tx, "secrets", "companion", granted=True, at=NOW)
    assert len(rows(settings, "select 1 from data_uses")) == 2
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.acting(people.maya) as tx:
            await tx.conn.execute("update data_uses set granted = true")


def offer_mentors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A purpose that is off by default."""
    monkeypatch.setitem(deciding.rules()["purposes"], "mentors", {"default": False, "text": "x"})
    monkeypatch.setitem(deciding.rules()["data_kinds"]["mood"], "purposes", ["companion", "mentors"])


async def test_a_yes_to_older_words_is_none_and_nothing_optional_is_on_by_itself(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_mentors(monkeypatch)
    async with database.acting(people.maya) as tx:
        assert {entry.purpose for entry in await uses(tx) if entry.granted} == {"companion", "check_in"}
        await decide(tx, "mood", "mentors", granted=True, at=NOW)
        assert await allows(tx, "mood", "mentors")
        monkeypatch.setitem(deciding.rules(), "version", 2)
        assert not await allows(tx, "mood", "mentors")


@pytest.mark.parametrize("old", ["decided[1] and decided[0] == version", 'rule["default"], None'])
async def test_seeded_bugs_in_consent_are_noticed(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    new = {"decided[1] and decided[0] == version": "decided[1]", 'rule["default"], None': "True, None"}[old]
    seed(monkeypatch, deciding._standing, old, new)
    with pytest.raises(AssertionError):
        await test_a_yes_to_older_words_is_none_and_nothing_optional_is_on_by_itself(database, people, monkeypatch)


async def test_contacts_are_sealed_and_whom_never_to_call_comes_first(
    database: Database, people: People, settings: Settings
) -> None:
    async with database.acting(people.maya) as tx:
        key = await student_key(tx)
        friend = await add_contact(tx, key, Person("Priya", phone="555"), ContactPurpose.CRISIS, at=NOW)
        await add_contact(tx, key, Person("my father"), ContactPurpose.NEVER_CALL, at=NOW)
        assert [entry.person.name for entry in await contacts(tx, key)] == ["my father", "Priya"]
    assert not any(b"Priya" in bytes(row[0]) for row in rows(settings, "select person_sealed from emergency_contacts"))
    async with database.acting(people.jonas) as tx:
        assert await contacts(tx, await student_key(tx)) == []
        with pytest.raises(NotFound):
            await remove_contact(tx, friend.id)
    async with database.acting(people.maya) as tx:
        await remove_contact(tx, friend.id)
        assert len(await contacts(tx, key)) == 1


async def test_everything_is_taken_along_in_the_open_and_nobody_elses(database: Database, people: People) -> None:
    await fill(database, people.maya)
    await fill(database, people.jonas)
    async with database.acting(people.maya) as tx:
        archive = zipfile.ZipFile(io.BytesIO(await take_along(tx)))
    found = {name: orjson.loads(archive.read(name)) for name in archive.namelist()}
    assert set(found) == {f"{table}.json" for table in PARTS} | {"left_out.json"}
    assert [mood["note"] for mood in found["mood_logs.json"]] == ["private words"]
    assert [task["title"] for task in found["tasks.json"]] == ["private task"]
    assert found["emergency_contacts.json"][0]["person"]["name"] == "Priya"
    assert found["accounts.json"][0]["email"] == "maya@hill.example"
    assert str(people.jonas.account_id) not in str(found)


def test_every_table_with_student_rows_is_taken_along_or_left_out_with_a_reason(settings: Settings) -> None:
    held = {
        row[0]
        for row in rows(
            settings,
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'student_id'",
        )
    }
    written = {name for name, part in PARTS.items() if part.owner == "student_id"}
    assert held == written | set(LEFT_OUT)


def test_every_sealed_column_of_a_table_is_taken_along(settings: Settings) -> None:
    for table, part in PARTS.items():
        sealed = {
            row[0].removesuffix("_sealed")
            for row in rows(
                settings,
                "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s"
                " and column_name like '%%\\_sealed'",
                table,
            )
        }
        machine = {"conversations": {"triage", "unread_triage"}, "accounts": {"totp", "totp_pending"}}.get(table, set())
        assert sealed - machine == set(part.sealed), table


def open_case(settings: Settings, who: Acting) -> None:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "insert into cases (id, institution_id, student_id, category, severity, tier) values"
            " (%s, %s, %s, 'suicide', 'high', 'page_now')",
            (new_id(), who.institution_id, who.student_id),
        )


def left_of(settings: Settings, who: Acting) -> dict[str, int]:
    tables = ("data_keys", "profiles", "conversations", "mood_logs", "tasks", "data_uses", "emergency_contacts")
    column = {"data_keys": "subject_id", "profiles": "account_id"}
    query = "select count(*) from {} where {} = %s"
    return {
        table: rows(settings, query.format(table, column.get(table, "student_id")), who.account_id)[0][0]
        for table in tables
    }


async def test_deleting_destroys_the_key_and_everything_under_it(
    database: Database, people: People, settings: Settings
) -> None:
    await fill(database, people.maya)
    await fill(database, people.jonas)
    async with database.acting(people.maya) as tx:
        assert await erase(tx, at=NOW)
    assert not any(left_of(settings, people.maya).values())
    assert all(left_of(settings, people.jonas).values())
    await people.accounts.register("hill", _again())
    who, _ = await people.accounts.login("hill", "maya@hill.example", PASSWORD)
    assert who.account_id != people.maya.account_id


def _again() -> Any:
    from tools.people.accounts import NewAccount  # noqa: PLC0415

    return NewAccount("maya@hill.example", PASSWORD, "Maya")


async def test_an_open_case_holds_the_deletion_up_until_it_is_closed(
    database: Database, people: People, settings: Settings
) -> None:
    await fill(database, people.maya)
    open_case(settings, people.maya)
    async with database.acting(people.maya) as tx:
        assert not await erase(tx, at=NOW)
    assert all(left_of(settings, people.maya).values())
    async with database.acting(people.rosa) as tx:
        await tx.conn.execute("update cases set status = 'closed', outcome = 'contacted', closed_at = %s", (NOW,))
    assert not any(left_of(settings, people.maya).values())
    assert rows(settings, "select category, outcome from cases") == [("suicide", "contacted")]


async def test_a_case_that_nobody_was_told_of_holds_no_deletion_up_and_goes_with_it(
    database: Database, people: People, settings: Settings
) -> None:
    """Nobody sees it, so nobody could ever close it."""
    await fill(database, people.maya)
    open_case(settings, people.maya)
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("update cases set tier = 'none'")
    async with database.acting(people.maya) as tx:
        assert await erase(tx, at=NOW)
    assert not any(left_of(settings, people.maya).values())
    assert rows(settings, "select 1 from cases") == []


async def test_a_deletion_that_waits_for_nobody_is_noticed(
    database: Database, people: People, settings: Settings
) -> None:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "create or replace function waits_for_a_person(subject cases) returns boolean language sql immutable"
            " as $$ select subject.status <> 'closed' $$"
        )
    with pytest.raises(AssertionError):
        await test_a_case_that_nobody_was_told_of_holds_no_deletion_up_and_goes_with_it(database, people, settings)


async def test_a_deletion_that_overtakes_a_case_is_noticed(
    database: Database, people: People, settings: Settings
) -> None:
    """Without the look at cases the last guard stands: no row that a case hangs on goes while it is open."""
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute("select pg_get_functiondef('erase_me(timestamptz)'::regprocedure)").fetchone()
        assert row is not None and "if exists (select from cases" in row[0]
        owner.execute(row[0].replace("if exists (select from cases", "if false and exists (select from cases"))
    with pytest.raises(psycopg.errors.RestrictViolation):
        await test_an_open_case_holds_the_deletion_up_until_it_is_closed(database, people, settings)


async def test_nobody_erases_somebody_else(database: Database, people: People, settings: Settings) -> None:
    await fill(database, people.maya)
    for wrong in (people.rosa, people.operator):
        async with database.acting(wrong) as tx:
            with pytest.raises(NotAllowed):
                await erase(tx, at=NOW)
    posing = Acting(people.rosa.institution_id, people.rosa.account_id, people.rosa.role, people.maya.student_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.acting(posing) as tx:
            await erase(tx, at=NOW)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.acting(people.jonas) as tx:
            await tx.conn.execute("select erase(%s)", (people.maya.account_id,))
    assert all(left_of(settings, people.maya).values())
