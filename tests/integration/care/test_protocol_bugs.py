"""The stories of the protocol, tested: each seeded bug must make its story fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from conversations import intake, judgement, script_store, signals, snapshot, ticks
from safety.policy import Tier
from safety.script import open_triage
from safety.triage import answers, draft, silence
from safety.triage.draft import Draft
from safety.triage.facts import InputKind
from safety.types import Mode
from tests.integration.care import test_protocol_states as stories
from tests.integration.care.test_protocol_states import Story, story

__all__ = ["story"]
Patch = pytest.MonkeyPatch
Tale = Callable[[Story], Awaitable[None]]


def facts_forget(patch: Patch, **left_out: Any) -> None:
    """Let the script know less than is stored."""
    whole = snapshot.read_snapshot

    async def read(*given: Any, **options: Any) -> Any:
        found = await whole(*given, **options)
        return replace(found, facts=replace(found.facts, **left_out))

    for user in (intake, ticks):
        patch.setattr(user, "read_snapshot", read)


def queries_differ(patch: Patch, old: str, new: str) -> None:
    assert old in snapshot.CONVERSATION
    patch.setattr(snapshot, "CONVERSATION", snapshot.CONVERSATION.replace(old, new))


def a_closed_case_of_the_same_conversation_is_forgotten(patch: Patch) -> None:
    queries_differ(patch, "or k.status = 'closed'", "")


def a_misread_counts_as_a_case(patch: Patch) -> None:
    queries_differ(patch, "('misread', 'duplicate', 'test')", "('none of them')")


def the_own_terms_are_not_read(patch: Patch) -> None:
    facts_forget(patch, crisis_terms=None)


def everybody_is_an_adult(patch: Patch) -> None:
    facts_forget(patch, minor=False)


def the_campus_has_no_law(patch: Patch) -> None:
    facts_forget(patch, campus_region=None)


def an_unknown_country_is_american(patch: Patch) -> None:
    facts_forget(patch, region="US")


def nights_are_staffed(patch: Patch) -> None:
    facts_forget(patch, staffed_now=True)


def silence_calls_nobody(patch: Patch) -> None:
    patch.setattr(silence, "_unresponsive", silence._nudge)


def follow_ups_are_not_booked(patch: Patch) -> None:
    patch.setattr(Draft, "schedule_follow_ups", lambda self: None)


def every_check_in_ends_the_guard(patch: Patch) -> None:
    patch.setitem(answers._ENDS, "@well", lambda made: made.back_to_ordinary())


def transcripts_are_believed(patch: Patch) -> None:
    def heard(screening: Any, facts: Any, now: Any) -> Any:
        return open_triage(screening, replace(facts, input=InputKind.TEXT), now)

    patch.setattr(judgement, "open_triage", heard)


def a_question_opens_a_case(patch: Patch) -> None:
    def open_screener(facts: Any, now: Any) -> Any:
        made = draft.begin(draft.Category.SUICIDE, facts, now)
        made.learn(draft.Severity.LOW)
        made.tell(made.state)
        made.ask("wish")
        return made.done()

    patch.setattr(signals, "open_screener", open_screener)


def signals_talk_over_the_script(patch: Patch) -> None:
    patch.setattr(signals, "BUSY", signals.BUSY.replace("mode in ('triage', 'live_person')", "false"))


def a_check_in_ends_what_was_to_come(patch: Patch) -> None:
    whole = script_store.take_number

    async def forget(tx: Any, shot: Any, mode: Any, state: Any, **more: Any) -> bool:
        return await whole(tx, shot, mode, None, **more)

    patch.setattr(signals, "take_number", forget)


def low_moods_ask_every_time(patch: Patch) -> None:
    async def always(tx: Any, *, at: Any) -> bool:
        return True

    patch.setattr(signals, "low_mood_began", always)


def moods_do_not_reach_screening(patch: Patch) -> None:
    patch.setattr("safety.policy.LowMood.holds", lambda self, newest: False)


def answers_do_not_raise_the_tier(patch: Patch) -> None:
    whole = Draft.decision
    patch.setattr(Draft, "decision", lambda self: replace(whole(self), tier=Tier.DIGEST))


def the_clock_stands_still(patch: Patch) -> None:
    async def nothing(desk: Any) -> int:
        return 0

    patch.setattr(stories, "sweep", nothing)


def the_state_is_not_kept(patch: Patch) -> None:
    patch.setattr(script_store, "seal_state", lambda shot, state: None)


def the_person_is_not_heard(patch: Patch) -> None:
    patch.setattr("conversations.live.take_number", _take_as_ordinary)


async def _take_as_ordinary(tx: Any, shot: Any, mode: Any, state: Any, **more: Any) -> bool:
    return await script_store.take_number(tx, shot, Mode.ORDINARY, None, **more)


BUGS: list[tuple[Callable[[Patch], None], Tale]] = [
    (
        a_closed_case_of_the_same_conversation_is_forgotten,
        lambda s: stories.test_again_asks_what_is_different_without_introduction_or_discount(
            s, "the same conversation"
        ),
    ),
    (a_misread_counts_as_a_case, stories.test_a_misread_is_no_earlier_case),
    (the_own_terms_are_not_read, stories.test_means_and_people_then_the_own_plan_with_the_own_terms_first),
    (everybody_is_an_adult, stories.test_a_minor_hears_the_limits_of_the_law_where_the_campus_is),
    (the_campus_has_no_law, stories.test_a_minor_hears_the_limits_of_the_law_where_the_campus_is),
    (an_unknown_country_is_american, stories.test_elsewhere_asks_the_country_and_shows_its_lines_only),
    (nights_are_staffed, stories.test_no_staff_is_said_with_the_hour_and_a_follow_up_is_booked),
    (silence_calls_nobody, stories.test_silent_is_nudged_and_then_people_are_called),
    (follow_ups_are_not_booked, stories.test_guarded_lasts_until_the_check_in_went_well),
    (every_check_in_ends_the_guard, stories.test_high_stays_guarded_until_a_person_was_in_contact),
    (transcripts_are_believed, stories.test_an_unconfirmed_transcript_asks_and_pages_nobody),
    (a_question_opens_a_case, stories.test_item_nine_denied_opens_nothing),
    (signals_talk_over_the_script, stories.test_item_nine_while_the_script_has_the_student_asks_nothing_beside_it),
    (a_check_in_ends_what_was_to_come, stories.test_a_check_in_does_not_lose_a_follow_up_still_to_come),
    (low_moods_ask_every_time, stories.test_low_moods_make_a_gentle_question_once_and_never_a_case),
    (moods_do_not_reach_screening, stories.test_low_moods_lower_the_thresholds_of_screening),
    (answers_do_not_raise_the_tier, stories.test_screen_goes_to_the_tier_by_its_answers),
    (the_clock_stands_still, stories.test_silent_in_lower_danger_is_nudged_and_checked_on_tomorrow),
    (the_state_is_not_kept, stories.test_clarify_that_was_a_misread_goes_back_to_the_topic),
    (the_person_is_not_heard, stories.test_live_person_silences_the_companion_and_hands_back_with_a_message),
]


@pytest.mark.parametrize(("seed", "tale"), BUGS, ids=[seed.__name__ for seed, _ in BUGS])
async def test_a_seeded_bug_is_caught(
    story: Story, seed: Callable[[Patch], None], tale: Tale, monkeypatch: Patch
) -> None:
    seed(monkeypatch)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        await tale(story)
