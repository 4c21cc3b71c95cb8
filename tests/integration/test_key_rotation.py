"""Rotating the master key: everything stays readable, the old key can go, and a run that broke off is taken up."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from core.crypto import KeyRing, Unreadable, decode_key, new_key
from core.settings import Settings
from db.access import Acting, Database
from tests.conftest import People
from tests.mutation import seed
from tools.people import rotation
from tools.people.keys import student_key
from tools.people.rotation import rotate
from tools.wellness.mood import log_mood, mood_history

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def masters(settings: Settings) -> set[str]:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        return {row[0] for row in owner.execute("select master from data_keys").fetchall()}


async def note_of(settings: Settings, keys: KeyRing, who: Acting) -> str | None:
    database = Database(settings.app_dsn.get_secret_value(), keys, size=1)
    await database.open()
    try:
        async with database.acting(who) as tx:
            [entry] = await mood_history(tx, await student_key(tx), since=NOW)
    finally:
        await database.close()
    return entry.note


@pytest.fixture
def rings(settings: Settings) -> tuple[KeyRing, KeyRing]:
    """The new key before the old one, and the new one alone."""
    old, new = decode_key(settings.master_key.get_secret_value(), "x"), new_key()
    return KeyRing((new, old)), KeyRing((new,))


@pytest.fixture
async def maya(database: Database, people: People) -> Acting:
    async with database.acting(people.maya) as tx:
        await log_mood(tx, await student_key(tx), score=3, note="private words", at=NOW)
    return people.maya


async def test_after_a_rotation_the_old_key_is_not_needed(
    settings: Settings, maya: Acting, rings: tuple[KeyRing, KeyRing]
) -> None:
    both, new = rings
    with pytest.raises(Unreadable):
        await note_of(settings, new, maya)
    assert await note_of(settings, both, maya) == "private words"
    assert rotate(settings.owner_dsn.get_secret_value(), both).rewrapped == 7
    assert masters(settings) == {new.current}
    assert await note_of(settings, new, maya) == "private words"
    assert rotate(settings.owner_dsn.get_secret_value(), both).rewrapped == 0


async def test_a_rotation_that_broke_off_is_taken_up(
    settings: Settings, maya: Acting, rings: tuple[KeyRing, KeyRing], monkeypatch: pytest.MonkeyPatch
) -> None:
    both, new = rings
    monkeypatch.setattr(rotation, "BATCH", 2)

    def break_off(done: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(settings.owner_dsn.get_secret_value(), both, break_off)
    assert len(masters(settings)) == 2
    assert await note_of(settings, both, maya) == "private words"
    assert rotate(settings.owner_dsn.get_secret_value(), both).rewrapped == 3
    assert masters(settings) == {new.current}


async def test_a_key_that_nothing_opens_is_named_and_left_alone(
    settings: Settings, maya: Acting, rings: tuple[KeyRing, KeyRing]
) -> None:
    stranger = KeyRing((new_key(),))
    found = rotate(settings.owner_dsn.get_secret_value(), stranger)
    assert (found.rewrapped, len(found.unreadable)) == (0, 7)
    assert await note_of(settings, rings[0], maya) == "private words"


async def test_a_rotation_that_wraps_under_the_old_key_is_noticed(
    settings: Settings, maya: Acting, rings: tuple[KeyRing, KeyRing], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, rotation._rewrap, "keys.wrap(key, str(subject))", "wrapped")
    with pytest.raises(Unreadable):
        await test_after_a_rotation_the_old_key_is_not_needed(settings, maya, rings)


def test_the_command_rotates(settings: Settings, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    both = f"{base64.b64encode(new_key()).decode()},{settings.master_key.get_secret_value()}"
    monkeypatch.setenv("COMPANION_MASTER_KEY", both)
    monkeypatch.setenv("COMPANION_OWNER_DSN", settings.owner_dsn.get_secret_value())
    result = CliRunner().invoke(app, ["keys", "rotate"])
    assert result.exit_code == 0, result.output
    assert masters(settings) == {KeyRing.from_setting(both).current}
