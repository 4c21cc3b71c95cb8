"""Entries of instruments in a real database: stored sealed, asked about where they must be, replaced and never doubled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from conversations import history, submitting
from conversations.submitting import Submitted, Submitting
from core.errors import InvalidInput, NotFound
from core.settings import Settings
from db.access import Acting
from db.jobs import job_app
from safety.types import Mode
from tests.conftest import People
from tests.integration.conversations.conftest import Desk
from tests.integration.conversations.test_beside import CRISIS, count
from tests.mutation import seed
from tools.people.keys import student_key
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import delete_entry, entries_since, entry_page, read_entry
from tools.wellness.instruments.wording import load_wording, worded


@pytest.fixture
def submit(desk: Desk, settings: Settings) -> Callable[..., Any]:
    """Fill something in as somebody."""
    clock = desk.beside._clock
    taking = Submitting(desk.db, job_app(settings.app_dsn.get_secret_value()), desk.beside, clock)
    number = iter(range(1000))

    async def fill_in(who: Acting, name: str, /, key: str | None = None, **given: Any) -> Submitted:
        return await taking.submit(who, definition(name), given, key=key or f"k{next(number)}")

    return fill_in


async def test_item_nine_leads_to_the_screener_in_the_same_transaction(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any]
) -> None:
    done = await submit(people.maya, "phq9", self_harm=1)
    assert done.asked_in is not None and done.answered is None
    assert done.entry.score.value is None  # Eight answers are missing: no total, and it is asked about all the same.
    async with desk.db.acting(people.maya) as tx:
        assert await history.require_conversation(tx, done.asked_in) is Mode.TRIAGE
    assert any("better off dead" in text for _, text in await desk.texts(people.maya, done.asked_in))
    assert count(settings, "cases") == 0


async def test_item_nine_at_nought_asks_nothing(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any]
) -> None:
    done = await submit(people.maya, "phq9", mood=3, self_harm=0)
    assert done.asked_in is None and count(settings, "conversations") == 0


async def test_words_in_a_log_are_heard_before_anything_is_refused(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidInput):
        await submit(people.maya, "sleep", hours=99, note=CRISIS)
    assert count(settings, "cases") == 1 and count(settings, "entries") == 0


async def test_answers_lie_sealed(people: People, settings: Settings, submit: Callable[..., Any]) -> None:
    await submit(people.maya, "medications", name="lamotrigine", event="started", note="after the visit")
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute("select row_to_json(e)::text, values_sealed from entries e").fetchone()
    assert row is not None
    assert "lamotrigine" not in row[0] and b"lamotrigine" not in bytes(row[1]) and "started" not in row[0]


async def test_a_daily_log_keeps_one_entry_a_day_and_a_key_one_entry(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any]
) -> None:
    first = await submit(people.maya, "sleep", hours=6)
    second = await submit(people.maya, "sleep", hours=7.5)
    assert first.entry.id == second.entry.id and second.entry.answers == {"hours": 7.5}
    await submit(people.maya, "symptoms", key="same", what=["headache"])
    await submit(people.maya, "symptoms", key="same", what=["headache"])
    assert count(settings, "entries") == 2
    with pytest.raises(InvalidInput):
        day = desk.service.now().date() + timedelta(days=3)
        taking = Submitting(desk.db, job_app(""), desk.beside, desk.beside._clock)
        await taking.submit(people.maya, definition("sleep"), {"hours": 7}, key="later", day=day)


async def test_entries_are_read_back_paged_compared_and_deleted(
    desk: Desk, people: People, submit: Callable[..., Any]
) -> None:
    for mood in (3, 2, 0):
        done = await submit(people.maya, "phq2", interest=0, mood=mood)
    assert "The total was 2" in " ".join(done.said)
    async with desk.db.acting(people.maya) as tx:
        key = await student_key(tx)
        first, cursor = await entry_page(tx, key, "phq2", limit=2)
        rest, end = await entry_page(tx, key, "phq2", limit=2, cursor=cursor)
        assert [e.answers["mood"] for e in (*first, *rest)] == [0, 2, 3] and end is None
        await delete_entry(tx, first[0].id)
        with pytest.raises(NotFound):
            await read_entry(tx, key, first[0].id)
        assert len(await entries_since(tx, key, "phq2", first[0].day)) == 2


@pytest.mark.parametrize("wrong", ["jonas", "rosa", "operator", "stranger", "foreign_counselor"])
async def test_nobody_else_sees_or_deletes_an_entry(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any], wrong: str
) -> None:
    done = await submit(people.maya, "dbt_diary", joy=2)
    await desk.beside.ask_for_person(people.maya, key="a")  # An open case opens no log to a counselor.
    async with desk.db.acting(getattr(people, wrong)) as tx:
        assert (await (await tx.conn.execute("select count(*) from entries")).fetchone()) == (0,)
        assert (await tx.conn.execute("delete from entries where id = %s", (done.entry.id,))).rowcount == 0
    assert count(settings, "entries") == 1


async def test_a_campus_shows_its_own_wording_and_others_do_not(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any]
) -> None:
    made = definition("phq2")
    resource = {
        "resourceType": "Questionnaire", "title": "Official",
        "item": [{"linkId": item.id, "text": f"Official {item.id}"} for item in made.items],
    }  # fmt: skip
    async with await psycopg.AsyncConnection.connect(settings.owner_dsn.get_secret_value()) as owner:
        assert await load_wording(owner, people.maya.institution_id, "phq2", resource) == "Official"
    async with desk.db.acting(people.maya) as tx:
        shown = await worded(tx, made)
    async with desk.db.acting(people.stranger) as tx:
        assert (await worded(tx, made)).official is None
    assert shown.official == "Official" and shown.definition.items[0].ask == "Official interest"
    assert shown.definition.items[0].options == made.items[0].options
    done = await submit(people.maya, "phq2", interest=0, mood=1)
    assert "the words that your campus has loaded: Official" in " ".join(done.said)


@pytest.mark.parametrize(
    ("function", "old", "new", "check"),
    [
        (submitting.Submitting._ask, "watch is None", "watch is None or True",
         test_item_nine_leads_to_the_screener_in_the_same_transaction),
        (submitting.Submitting.submit, "words_of(made, given)", '""',
         test_words_in_a_log_are_heard_before_anything_is_refused),
    ],
)  # fmt: skip
async def test_a_seeded_bug_is_noticed(
    desk: Desk, people: People, settings: Settings, submit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch,
    function: Callable[..., Any], old: str, new: str, check: Callable[..., Any],
) -> None:  # fmt: skip
    seed(monkeypatch, function, old, new)
    with pytest.raises(AssertionError):
        await check(desk, people, settings, submit)
