"""When people are told again, scene by scene: a call of before is over, and a counselor nearby is no call."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from conversations.judgement import decide
from conversations.snapshot import Snapshot
from safety.policy import Tier, load_policy
from safety.script import advance, counselor_takes_over, hand_back, heard_again, open_triage, tick
from safety.triage.facts import DeliveryFacts, InputKind, StudentFacts
from safety.triage.state import CheckInKind, TriageState, TriageStep
from safety.triage.step import CaseNote, RaiseCase, RecordAnswer, ScriptStep
from safety.triage.telling import running
from safety.types import Category, Mode, Screening, Severity
from tests.unit.safety_script.test_states import pages, said, say, state_of, values, waiting
from tests.unit.safety_script.walks import ADULT, CLEAR, NOW, crisis, unclear

HIGH, IMMINENT = Severity.HIGH, Severity.IMMINENT
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TONIGHT = NOW + timedelta(hours=20)
GOING_ON = ("yes", "no", "no", "no", "no", "done", "yes", "no", "a", "b", "c", "skip", "skip")


def refused(severity: Severity = HIGH) -> TriageState:
    return state_of(say(open_triage(crisis(severity=severity), ADULT, NOW), "stop"))


def safe() -> TriageState:
    return state_of(say(open_triage(crisis(severity=IMMINENT), ADULT, NOW), "took", "with_me"))


def joined(severity: Severity = Severity.LOW) -> TriageState:
    return state_of(counselor_takes_over(state_of(open_triage(crisis(severity=severity), ADULT, NOW)), ADULT, NOW))


def hears(state: TriageState, verdict: Screening, at: datetime, facts: StudentFacts = ADULT) -> ScriptStep:
    return advance(state, "words of tonight", verdict, facts, at)


def wrote(at: datetime) -> StudentFacts:
    return replace(ADULT, delivery=DeliveryFacts(sent_at=NOW, opened_at=NOW, last_person_at=at))


def test_help_of_last_night_is_not_help_tonight() -> None:
    step = hears(safe(), crisis(severity=IMMINENT), TONIGHT)
    assert pages(step)[0].tier is Tier.PAGE_ALL
    assert step.messages[0].startswith("Call 911 now")
    assert "who's with you" not in said(step)


def test_with_help_there_the_words_go_on_to_them_and_people_are_told_once_the_call_is_over() -> None:
    state = safe()
    soon = hears(state, crisis(severity=IMMINENT), state.since + 5 * MINUTE)
    assert not pages(soon) and "call 911" in said(soon)
    late = replace(state, told_at=state.since - 26 * MINUTE)
    again = hears(late, crisis(severity=IMMINENT), state.since + 5 * MINUTE)
    assert pages(again) and "Tell the person who's with you" in said(again)


@pytest.mark.parametrize("later", [31 * MINUTE, 8 * HOUR])
def test_not_asking_is_not_the_same_as_not_telling(later: timedelta) -> None:
    step = hears(refused(), crisis(severity=HIGH), NOW + later)
    assert [page.tier for page in pages(step)] == [Tier.PAGE_NOW]
    assert state_of(step).item is None and "not going to press you" in said(step)
    assert step.messages[0].startswith("If you or somebody else is in danger this minute, call 911")


def test_the_same_words_within_minutes_page_once() -> None:
    state = refused()
    for minutes in (1, 5, 20):
        step = hears(state, crisis(severity=HIGH), NOW + minutes * MINUTE)
        state = state_of(step)
        assert pages(step) == []


@pytest.mark.parametrize("step", [TriageStep.GUARDED, TriageStep.NO_STAFF])
def test_a_rest_of_minutes_is_no_reason_to_page_anew(step: TriageStep) -> None:
    state = replace(waiting(), step=step, item=None)
    assert not pages(hears(state, crisis(severity=HIGH), NOW + 20 * MINUTE))
    assert pages(hears(state, crisis(severity=HIGH), NOW + 31 * MINUTE))
    assert pages(hears(state, crisis(severity=IMMINENT), NOW + 20 * MINUTE)), "worse is told at once"


def test_somebody_who_fell_silent_and_comes_back_is_heard() -> None:
    silent = tick(state_of(open_triage(crisis(severity=HIGH), ADULT, NOW)), ADULT, NOW + 5 * MINUTE)
    assert silent is not None
    assert pages(hears(state_of(silent), crisis(severity=HIGH), TONIGHT))


def test_worse_at_a_check_in_calls_people_and_the_answers_do_not_page_twice() -> None:
    handed = hand_back(state_of(counselor_takes_over(waiting(), ADULT, NOW)), "Rest well.", ADULT, NOW + HOUR)
    asked = tick(state_of(handed), ADULT, NOW + timedelta(hours=25))
    assert asked is not None and state_of(asked).item == "fu_how"
    at = NOW + timedelta(hours=25)
    step = advance(state_of(asked), "worse", CLEAR, ADULT, at)
    assert [page.tier for page in pages(step)] == [Tier.PAGE_NOW]
    assert state_of(step).item == "ag_different" and not state_of(step).human_contact
    told = []
    for reply in ("pills and a note", "yes", "yes", "yes", "yes", "recent"):
        step = advance(state_of(step), reply, CLEAR, ADULT, at + MINUTE)
        told += pages(step)
    assert told == []
    step = say(step, "not_near", "yes", "no", "a", "b", "c")
    assert state_of(step).step is TriageStep.WAITING, "a person was called, so the wait is true"


def test_a_high_answer_after_a_rest_calls_people() -> None:
    state = replace(state_of(say(open_triage(crisis(severity=HIGH), ADULT, NOW), "yes", "yes")), item="intent")
    assert pages(advance(state, "yes", CLEAR, ADULT, TONIGHT))


def test_nobody_waits_for_a_call_that_is_over() -> None:
    step = say(
        open_triage(crisis(severity=HIGH), ADULT, NOW), "yes", "no", "no", "no", "no", "done", "yes", "no", "a", "b"
    )
    ended = advance(state_of(step), "c", CLEAR, ADULT, NOW + HOUR)
    assert state_of(ended).step is TriageStep.WAITING
    assert [page.reason for page in pages(ended)] == ["unanswered"]


def test_naming_a_country_the_day_after_calls_nobody_and_claims_no_wait() -> None:
    state = replace(waiting(), step=TriageStep.GUARDED, item=None)
    step = advance(state_of(advance(state, "elsewhere", CLEAR, ADULT, TONIGHT)), "uk", CLEAR, ADULT, TONIGHT)
    assert pages(step) == [] and "While we wait" not in said(step)
    assert state_of(step).step is TriageStep.GUARDED


def test_an_attempt_beside_a_person_pages_with_first_aid_first() -> None:
    step = hears(joined(), crisis(Category.OVERDOSE, IMMINENT), NOW + 2 * MINUTE, wrote(NOW + MINUTE))
    assert step.mode is Mode.LIVE_PERSON and state_of(step).step is TriageStep.LIVE
    assert pages(step)[0].tier is Tier.PAGE_ALL
    assert "even if you feel fine" in step.messages[0] and "Call 911 now" in said(step)
    assert [effect.tier for effect in step.effects if isinstance(effect, RaiseCase)] == [Tier.PAGE_ALL]
    again = hears(state_of(step), crisis(Category.OVERDOSE, IMMINENT), NOW + 3 * MINUTE, wrote(NOW + MINUTE))
    assert again.messages == () and not pages(again)


def test_who_was_called_and_is_writing_is_not_called_over() -> None:
    state = joined(HIGH)
    at = NOW + 2 * HOUR
    assert not pages(hears(state, crisis(severity=HIGH), at, wrote(at - MINUTE)))
    assert pages(hears(state, crisis(severity=HIGH), at, wrote(at - 4 * MINUTE))), "gone quiet"
    assert pages(hears(state, crisis(severity=IMMINENT), at, wrote(at - MINUTE))), "more than they were called for"


def test_a_stale_button_beside_a_person_is_not_ignored() -> None:
    step = advance(joined(), "done_something", CLEAR, wrote(NOW), NOW + MINUTE)
    assert pages(step)[0].tier is Tier.PAGE_ALL and step.messages[0].startswith("Call 911 now")
    assert state_of(step).severity is IMMINENT and step.mode is Mode.LIVE_PERSON


def test_asking_for_a_person_beside_one_who_went_quiet_calls_others() -> None:
    there = advance(joined(), "want_person", CLEAR, wrote(NOW), NOW + MINUTE)
    assert not pages(there) and there.messages == () and CaseNote("student_asks_again") in there.effects
    gone = advance(joined(), "want_person", CLEAR, wrote(NOW), NOW + 10 * MINUTE)
    assert [page.reason for page in pages(gone)] == ["asked"] and gone.mode is Mode.LIVE_PERSON


def test_words_read_again_beside_a_person_page_too() -> None:
    step = heard_again(joined(), crisis(severity=IMMINENT), ADULT, NOW + MINUTE)
    assert step is not None and pages(step) and step.mode is Mode.LIVE_PERSON
    assert step.messages[0].startswith("The part of me that was down is back")
    assert "Call 911 now" in said(step)


def test_a_person_who_left_does_not_count_as_there() -> None:
    handed = hand_back(joined(HIGH), "Rest well.", ADULT, NOW + 5 * MINUTE)
    assert pages(hears(state_of(handed), crisis(severity=HIGH), NOW + 6 * MINUTE, wrote(NOW + 5 * MINUTE)))


def test_to_open_a_case_is_not_to_write_so_silence_is_noticed() -> None:
    state = waiting()
    facts = replace(ADULT, delivery=DeliveryFacts(sent_at=NOW, opened_at=state.since))
    told, at = [], state.last_student_at
    for seconds in range(0, 20 * 60, 10):
        step = tick(state, facts, at + timedelta(seconds=seconds))
        if step is not None:
            told += [(seconds, page.reason) for page in pages(step)]
            state = state_of(step)
    assert told == [(300, "silent")]


def test_while_a_person_writes_silence_is_theirs_to_notice() -> None:
    state = waiting()
    at = state.last_student_at + 6 * MINUTE
    writing = replace(ADULT, delivery=DeliveryFacts(sent_at=NOW, opened_at=NOW, last_person_at=at - MINUTE))
    step = tick(state, writing, at)
    assert step is None or not pages(step)


def test_silence_after_a_lighter_matter_still_pages_by_the_worst_that_is_known() -> None:
    state = replace(state_of(open_triage(crisis(severity=HIGH), ADULT, NOW)), matter=Severity.LOW, tier=Tier.DIGEST)
    paged = tick(state, ADULT, NOW + 5 * MINUTE)
    assert paged is not None and [page.reason for page in pages(paged)] == ["silent"]


def test_an_ambiguous_line_after_a_refusal_starts_nothing_anew() -> None:
    state = refused()
    snapshot = SimpleNamespace(facts=ADULT, triage=state, mode=state.mode, triage_unreadable=False)
    path, step = decide(
        cast(Snapshot, snapshot), "i wont be back after break", unclear(), InputKind.TEXT, NOW + 5 * MINUTE
    )
    assert path == "script" and step is not None
    after = state_of(step)
    assert (after.step, after.item, after.severity) == (TriageStep.REFUSED, None, HIGH)
    assert after.check_ins == state.check_ins and after.check_ins
    assert after.unconfirmed is not Severity.NONE
    later = advance(state, "i wont be back after break", unclear(), ADULT, TONIGHT)
    assert state_of(later).step is TriageStep.CLARIFY, "the promise held for the night"


@pytest.mark.parametrize("answers", [("refused", "refused"), ("stop", "stop"), ("refused", "stop")])
def test_unclear_words_that_stay_unexplained_are_not_taken_for_harmless(answers: tuple[str, str]) -> None:
    high = replace(unclear(), severity=HIGH)
    step = say(open_triage(high, ADULT, NOW), *answers)
    assert step.mode is Mode.GUARDED and state_of(step).unconfirmed is HIGH
    assert "Thanks for clearing that up" not in said(step)
    assert [entry.kind for entry in state_of(step).check_ins] == [CheckInKind.SILENCE]
    assert {"call:us-988", "want_person"} <= set(values(step))


def test_unclear_words_left_in_silence_are_not_taken_for_harmless() -> None:
    state = state_of(open_triage(replace(unclear(), severity=HIGH), ADULT, NOW))
    step = tick(state, ADULT, NOW + 31 * MINUTE)
    assert step is not None and step.mode is Mode.GUARDED and state_of(step).unconfirmed is HIGH
    asked = tick(state_of(step), ADULT, NOW + timedelta(days=2))
    assert asked is not None
    worse = say(asked, "worse")
    assert state_of(worse).case_open and not pages(worse), "nothing is confirmed, so it opens a case and pages nobody"


def test_own_words_are_recorded_as_said() -> None:
    step = open_triage(crisis(), ADULT, NOW)
    step = advance(state_of(step), "doing it tonight, wrote the note", crisis(severity=HIGH), ADULT, NOW)
    assert RecordAnswer("thoughts", "said") in step.effects
    assert state_of(step).item == "method", "it leads where a doubt leads"


def test_an_unanswered_check_in_does_not_swallow_the_next_one() -> None:
    state = refused()
    first = tick(state, ADULT, NOW + timedelta(hours=25))
    assert first is not None and state_of(first).item == "fu_how"
    assert tick(state_of(first), ADULT, NOW + timedelta(days=3)) is None
    second = tick(state_of(first), ADULT, NOW + timedelta(days=8))
    assert second is not None and state_of(second).item == "fu_how"


def test_a_no_to_are_you_safe_is_not_lost_in_other_words() -> None:
    step = say(open_triage(crisis(Category.ABUSE, Severity.MODERATE), ADULT, NOW), "no he wont leave me alone")
    assert pages(step)[0].confidential
    calm = say(open_triage(crisis(Category.ABUSE, Severity.MODERATE), ADULT, NOW), "no im safe here")
    assert not pages(calm)


def test_a_yes_with_a_wish_not_to_be_asked_is_a_yes_and_a_wish() -> None:
    step = say(open_triage(crisis(severity=Severity.MODERATE), ADULT, NOW), "yes, stop asking")
    assert state_of(step).step is TriageStep.REFUSED and state_of(step).answers["thoughts"] == "yes"
    step = say(open_triage(crisis(severity=Severity.MODERATE), ADULT, NOW), "yes but dont ask me how")
    assert state_of(step).answers["thoughts"] == "yes"


def test_a_state_of_before_calls_were_dated_calls_anew() -> None:
    old = waiting().to_dict()
    del old["told_at"]
    state = TriageState.from_dict(old)
    assert state.told_at is None and pages(hears(state, crisis(severity=HIGH), NOW + HOUR))


@pytest.mark.parametrize(
    ("tier", "runs"), [(Tier.PAGE_ALL, 30 * MINUTE), (Tier.PAGE_NOW, 30 * MINUTE), (Tier.SAME_DAY, 4 * HOUR)]
)
def test_a_call_runs_as_long_as_its_ladder_and_its_wait(tier: Tier, runs: timedelta) -> None:
    state = replace(waiting(), tier=tier, told_at=NOW)
    assert running(state, NOW + runs - MINUTE) is tier
    assert running(state, NOW + runs) is Tier.NONE
    ladder = load_policy().tiers[tier].ladder
    assert all(rung.after <= runs for rung in ladder), "a rung would climb after its call counts as over"


def test_no_text_of_a_call_anew_claims_that_somebody_comes() -> None:
    step = hears(safe(), crisis(severity=IMMINENT), TONIGHT)
    assert not re.search(r"on (?:the|their) way|coming", said(step))
