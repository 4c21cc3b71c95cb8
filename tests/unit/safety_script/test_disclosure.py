"""What students are told about the software, and when; law as configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import ManualClock
from safety.disclosure import Gate, Notice, UseFacts, due_notices, known_laws, law_for, notice_text

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGIONS = (None, "us", "us-ca", "us-ny", "de", "uk")


def use(notified: float | None, *, minor: bool = False) -> UseFacts:
    """A student who wrote a minute ago and was told so many hours ago."""
    told = None if notified is None else NOW - timedelta(hours=notified)
    return UseFacts(NOW - timedelta(minutes=1), told, minor)


@pytest.mark.parametrize("region", REGIONS)
def test_the_first_reply_says_it_is_software(region: str | None) -> None:
    assert due_notices(UseFacts(None, None), law_for(region), NOW) == (Notice.AI_AT_START,)


def test_minors_also_hear_that_it_may_not_suit_them() -> None:
    fresh = UseFacts(None, None, minor=True)
    assert due_notices(fresh, law_for("us-ca"), NOW) == (Notice.AI_AT_START, Notice.NOT_FOR_SOME_MINORS)


@pytest.mark.parametrize("region", REGIONS)
def test_it_is_said_again_every_three_hours_of_use(region: str | None) -> None:
    assert due_notices(use(2.9), law_for(region), NOW) == ()
    assert due_notices(use(3), law_for(region), NOW) == (Notice.AI_REMINDER,)
    assert due_notices(use(3, minor=True), law_for(region), NOW) == (Notice.AI_REMINDER, Notice.MINOR_BREAK)


def test_a_new_session_starts_anew() -> None:
    later = UseFacts(NOW - timedelta(hours=2), NOW - timedelta(hours=2))
    assert due_notices(later, law_for(None), NOW) == (Notice.AI_AT_START,)


def test_in_any_day_of_use_no_three_hours_pass_without_a_notice() -> None:
    clock, notified, longest = ManualClock(NOW), NOW, timedelta()
    for _ in range(24 * 12):
        clock.advance(timedelta(minutes=5))
        facts = UseFacts(clock.now() - timedelta(minutes=5), notified)
        longest = max(longest, clock.now() - notified)
        if due_notices(facts, law_for("us-ny"), clock.now()):
            notified = clock.now()
    assert longest == timedelta(hours=3)


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_notice_has_words_and_names_what_it_is(language: str) -> None:
    word = {"en": "AI", "es": "IA"}[language]
    for notice in (Notice.AI_AT_START, Notice.AI_REMINDER, Notice.MINOR_BREAK):
        assert word in notice_text(notice, language)


def test_states_that_forbid_ai_therapy_close_the_gates() -> None:
    for region in ("us-il", "US-NV"):
        assert not law_for(region).allows(Gate.GUIDED_THERAPY_EXERCISES)
    assert law_for("us-ny").allows(Gate.GUIDED_THERAPY_EXERCISES)
    assert law_for("us-ca").yearly_report and not law_for("us").yearly_report


def test_the_campus_and_the_student_are_both_under_a_law_and_the_stricter_counts() -> None:
    abroad = law_for("us-il", "uk")
    assert not abroad.allows(Gate.GUIDED_THERAPY_EXERCISES)
    assert abroad.regions == ("us-il", "uk")
    assert law_for("us-ca", "us").minor_rule == "counselor_decides"
    assert law_for("us", "us-ca").minor_rule == "counselor_decides"
    assert law_for("us-ca", None).yearly_report
    assert len(law_for("us-il", "us-ny").sources) == len(law_for().sources) + 2


def test_a_subdivision_keeps_the_sources_of_its_country_and_of_the_default() -> None:
    assert set(law_for().sources) < set(law_for("us-il").sources)


def test_every_law_that_is_written_can_be_read_and_names_its_source() -> None:
    for region in known_laws():
        assert law_for(region).sources, region


def test_an_unknown_region_has_the_defaults() -> None:
    assert law_for("xx-yy").ai_notice_at_start
    assert law_for(None).ai_notice_every == timedelta(hours=3)
