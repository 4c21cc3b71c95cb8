"""A year in numbers that lead to nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from cli import yearly as command
from core.errors import InvalidInput, NotFound
from safety.types import Severity
from tests.integration.care.conftest import CLEAR, Campus
from tools.care import yearly
from tools.care.yearly import CampusYear, publishable, read_year


def counts(campus: Campus, year: int, slug: str | None = "hill") -> dict[tuple[str, str], str]:
    with psycopg.connect(campus.settings.owner_dsn.get_secret_value()) as owner:
        [found] = read_year(owner, year, slug)
    return {(entry.what, entry.kind): entry.count for entry in found.counts}


async def fill(campus: Campus) -> int:
    """Twelve cases, some of them tests or the probe's, and a message; returns the year."""
    for number in range(12):
        await campus.crisis(Severity.HIGH if number < 11 else Severity.LOW)
    await campus.say(await campus.begin(campus.people.maya), "words", CLEAR)
    return campus.clock.now().year


async def test_a_year_is_counted_and_no_small_number_is_told(campus: Campus) -> None:
    year = await fill(campus)
    found = counts(campus, year)
    assert found["students who used it", ""] == "fewer than 10"
    assert found["messages", ""] == "15"
    assert found["answers of the crisis script, each with the lines", ""] == "10"
    assert found["cases opened", ""] == "10"
    assert found["cases by severity", "high"] == "10"
    assert found["cases by severity", "low"] == "fewer than 10"
    assert found["calls for a person at once", ""] == "10"


async def test_tests_and_the_probe_count_nowhere(campus: Campus) -> None:
    year = await fill(campus)
    campus.change("update cases set outcome = 'test', status = 'closed'")
    assert counts(campus, year)["cases opened", ""] == "0"
    campus.change("update accounts set synthetic = true where id = %s", campus.people.maya.account_id)
    assert counts(campus, year)["messages", ""] == "0"


async def test_a_year_ends_where_the_campus_is(campus: Campus) -> None:
    conversation = await campus.crisis()
    new_year = datetime(2031, 1, 1, tzinfo=UTC)
    assert conversation
    campus.change("update cases set opened_at = %s", new_year + timedelta(hours=6))
    assert counts(campus, 2030)["cases opened", ""] == "fewer than 10", "in Denver it is still the old year"
    assert counts(campus, 2031)["cases opened", ""] == "0"


async def test_another_campus_has_its_own(campus: Campus) -> None:
    year = await fill(campus)
    assert counts(campus, year, "valley")["cases opened", ""] == "0"
    with psycopg.connect(campus.settings.owner_dsn.get_secret_value()) as owner:
        assert len(read_year(owner, year)) == 2
        with pytest.raises(NotFound):
            read_year(owner, year, "nowhere")
        with pytest.raises(InvalidInput):
            read_year(owner, 3)


async def test_where_the_law_asks_for_it_the_report_says_so(campus: Campus) -> None:
    campus.change("update institutions set region = 'US-CA' where slug = 'hill'")
    with psycopg.connect(campus.settings.owner_dsn.get_secret_value()) as owner:
        found = {entry.campus: entry.owed for entry in read_year(owner, 2026)}
    assert found == {"Hill": True, "Valley": False}


async def test_the_command_prints_it(campus: Campus, capsys: pytest.CaptureFixture[str]) -> None:
    year = await fill(campus)
    command.yearly(campus.settings, year, "hill", as_json=False)
    assert "cases opened" in capsys.readouterr().out
    command.yearly(campus.settings, year, None, as_json=True)
    assert '"owed": false' in capsys.readouterr().out


def test_the_command_is_there() -> None:
    from cli.main import app  # noqa: PLC0415

    assert "counts without persons" in CliRunner().invoke(app, ["yearly", "--help"]).output


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1, "fewer than 10"), (9, "fewer than 10"), (10, "10"), (12, "10"), (13, "15"), (1998, "2000")],
)
def test_what_may_be_published(count: int, text: str) -> None:
    assert publishable(count) == text


async def test_a_number_told_as_it_is_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yearly, "publishable", str)
    with pytest.raises(AssertionError):
        await test_a_year_is_counted_and_no_small_number_is_told(campus)


async def test_a_probe_that_counts_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yearly, "COUNTS", yearly.COUNTS.replace("and k.outcome is distinct from 'test'", ""))
    with pytest.raises(AssertionError):
        await test_tests_and_the_probe_count_nowhere(campus)


def test_the_report_holds_nothing_but_counts() -> None:
    assert set(CampusYear.__slots__) == {"campus", "year", "owed", "counts"}
