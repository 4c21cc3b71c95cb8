"""Lines per region: pairs together, links that work, no guessing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from safety import resources
from safety.resources import (
    Audience,
    LineRules,
    ResourceKind,
    Unchecked,
    emergency_for,
    load_resources,
    poison_for,
    region_of,
    resources_for,
)
from safety.script import open_triage
from safety.types import Severity
from tests.unit.safety_script.walks import ADULT, NOW, crisis

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


@pytest.mark.parametrize("severity", [Severity.LOW, Severity.HIGH, Severity.IMMINENT])
def test_both_services_of_a_pair_are_buttons(severity: Severity) -> None:
    shown = {choice.value for choice in open_triage(crisis(severity=severity), ADULT, NOW).choices}
    assert {"call:us-988", "text:us-988", "text:us-crisis-text-line"} <= shown


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "RULES", LineRules(Unchecked.REFUSE, date(2026, 12, 1)))


def test_a_line_that_nobody_checked_is_labelled_wherever_it_is_a_button() -> None:
    step = open_triage(crisis(), replace(ADULT, region="au"), NOW)
    labels = {choice.value: choice.label for choice in step.choices}
    assert labels["call:au-lifeline"] == "Call Lifeline (not checked)"
    spanish = open_triage(crisis(), replace(ADULT, region="au", language="es"), NOW)
    assert "(sin comprobar)" in {choice.value: choice.label for choice in spanish.choices}["call:au-lifeline"]


def test_an_emergency_number_is_marked_in_lists_and_never_on_the_button() -> None:
    step = open_triage(crisis(severity=Severity.IMMINENT), replace(ADULT, region="au"), NOW)
    assert {choice.value: choice.label for choice in step.choices}["call:au-emergency"] == "Call 000"
    assert not next(entry for entry in step.resources if entry.id == "au-emergency").checked


@pytest.mark.usefixtures("refusing")
def test_refused_lines_are_gone_everywhere_and_the_emergency_number_stays() -> None:
    assert [entry.id for entry in resources_for("au")] == ["au-emergency", "international-finder"]
    assert [entry.id for entry in resources_for("us")][:2] == ["us-988", "us-crisis-text-line"]
    step = open_triage(crisis(severity=Severity.IMMINENT), replace(ADULT, region="au"), NOW)
    assert "Call 000 now" in step.messages[0]
    assert not any("lifeline" in choice.value for choice in step.choices)
    assert any(
        choice.href and choice.href.startswith("https:")
        for choice in open_triage(crisis(), replace(ADULT, region="au"), NOW).choices
    )


def test_a_line_is_unchecked_again_after_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    line = load_resources()["us"][0]
    assert line.checked
    monkeypatch.setattr(resources, "RULES", LineRules(Unchecked.LABEL, date(2027, 11, 1)))
    assert line.checked
    monkeypatch.setattr(resources, "RULES", LineRules(Unchecked.REFUSE, date(2027, 11, 2)))
    assert not line.checked and not line.offered


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
