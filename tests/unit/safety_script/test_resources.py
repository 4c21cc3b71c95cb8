"""Lines per region: pairs together, links that work, no guessing."""

from __future__ import annotations

from datetime import date

import pytest

from safety import resources
from safety.resources import (
    Audience,
    ResourceKind,
    emergency_for,
    load_resources,
    poison_for,
    region_of,
    resources_for,
)

REGIONS = ("us", "uk", "ie", "ca", "in", "au", "nz", "eu")


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("US-CA", "us"),
        ("gb", "uk"),
        ("GB-SCT", "uk"),
        ("de", "eu"),
        ("us-in", "us"),
        ("br", None),
        ("", None),
        (None, None),
        ("international", None),
    ],
)
def test_countries_are_mapped_and_never_guessed(code: str | None, region: str | None) -> None:
    assert region_of(code) == region


@pytest.mark.parametrize("code", [None, "br", "zz"])
def test_an_unknown_region_gets_the_finder_alone(code: str | None) -> None:
    shown = resources_for(code, "en", list(Audience))
    assert [entry.kind for entry in shown] == [ResourceKind.FINDER]
    assert emergency_for(code) is None


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_an_emergency_number_and_the_finder(region: str) -> None:
    shown = resources_for(region)
    assert emergency_for(region) in shown
    assert shown[-1].kind is ResourceKind.FINDER
    assert all(entry.region in (region, "international") for entry in shown)


@pytest.mark.parametrize("region", [*REGIONS, None])
@pytest.mark.parametrize("audience", [(), (Audience.VETERANS,), (Audience.LGBTQ, Audience.TRANS)])
def test_pairs_are_shown_together(region: str | None, audience: tuple[Audience, ...]) -> None:
    shown = resources_for(region, "es", audience)
    for entry in shown:
        partners = [other for other in load_resources()[entry.region] if entry.pair and other.pair == entry.pair]
        assert all(partner in shown for partner in partners)


def test_lines_for_a_group_are_shown_to_those_who_said_so() -> None:
    assert all(entry.audience is Audience.EVERYONE for entry in resources_for("us"))
    assert resources_for("us", "en", [Audience.TRANS])[0].id == "us-trans-lifeline"


def test_links_dial_and_text() -> None:
    lines = {entry.id: entry for entry in load_resources()["us"]}
    assert lines["us-988"].call_href == "tel:988"
    assert lines["us-crisis-text-line"].text_href == "sms:741741?body=HOME"
    assert lines["us-poison-help"].call_href == "tel:18002221222"
    assert lines["us-crisis-text-line"].call_href is None
    poison = poison_for("us")
    assert poison is not None and poison.number == "1-800-222-1222"
    assert poison_for("uk") is None


def test_a_day_or_a_month_of_checking_can_be_written() -> None:
    entry = {
        "id": "x",
        "name": "X",
        "short": "X",
        "kind": "crisis_line",
        "call": "1",
        "languages": ["en"],
        "source": "s",
    }
    assert resources._parse({**entry, "verified_on": "2026-11"}, "us").verified_on == date(2026, 11, 1)
    assert resources._parse({**entry, "verified_on": date(2026, 11, 21)}, "us").verified_on == date(2026, 11, 21)
    assert resources._parse({**entry, "verified_on": None}, "us").verified_on is None
    with pytest.raises(ValueError, match="cannot be reached"):
        resources._parse({**entry, "call": None, "verified_on": None}, "us")


def test_every_entry_says_where_it_is_from_and_when_it_was_checked() -> None:
    entries = [entry for group in load_resources().values() for entry in group]
    assert len({entry.id for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.source
        assert (entry.verified_on is None) == entry.source.startswith("Recalled")
