"""What students are told about the software, and when; law as configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import ManualClock
from safety.disclosure import Gate, Notice, UseFacts, due_notices, law_for, notice_text

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGIONS = (None, "us", "us-ca", "us-ny", "de", "uk")


def use(hours: float, notified: float | None, *, minor: bool = False) -> UseFacts:
    """A student who started so many hours ago and was told so many hours ago."""
    told = None if notified is None else NOW - timedelta(hours=notified)
    return UseFacts(NOW - timedelta(hours=hours), NOW - timedelta(minutes=1), told, minor)


@pytest.mark.parametrize("region", REGIONS)
def test_the_first_reply_says_it_is_software(region: str | None) -> None:
    assert due_notices(UseFacts(None, None, None), region, NOW) == (Notice.AI_AT_START,)


def test_minors_also_hear_that_it_may_not_suit_them() -> None:
    fresh = UseFacts(None, None, None, minor=True)
    assert due_notices(fresh, "us-ca", NOW) == (Notice.AI_AT_START, Notice.NOT_FOR_SOME_MINORS)


@pytest.mark.parametrize("region", REGIONS)
def test_it_is_said_again_every_three_hours_of_use(region: str | None) -> None:
    assert due_notices(use(2.9, 2.9), region, NOW) == ()
    assert due_notices(use(3, 3), region, NOW) == (Notice.AI_REMINDER,)
    assert due_notices(use(3, 3, minor=True), region, NOW) == (Notice.AI_REMINDER, Notice.MINOR_BREAK)


def test_a_new_session_starts_anew() -> None:
    later = UseFacts(NOW - timedelta(days=1), NOW - timedelta(hours=2), NOW - timedelta(hours=2))
    assert due_notices(later, None, NOW) == (Notice.AI_AT_START,)


def test_in_any_day_of_use_no_three_hours_pass_without_a_notice() -> None:
    clock, notified, longest = ManualClock(NOW), NOW, timedelta()
    for _ in range(24 * 12):
        clock.advance(timedelta(minutes=5))
        facts = UseFacts(NOW, clock.now() - timedelta(minutes=5), notified)
        longest = max(longest, clock.now() - notified)
        if due_notices(facts, "us-ny", clock.now()):
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
        assert not law_for(region).allows(Gate.THERAPY_CLAIMS)
    assert law_for("us-ny").allows(Gate.GUIDED_THERAPY_EXERCISES)
    assert law_for("us-ca").yearly_report and not law_for("us").yearly_report


def test_an_unknown_region_has_the_defaults() -> None:
    assert law_for("xx-yy").ai_notice_at_start
    assert law_for(None).ai_notice_every == timedelta(hours=3)
