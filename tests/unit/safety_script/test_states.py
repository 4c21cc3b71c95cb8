"""State by state, what the protocol says: one short scene each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from safety.policy import Flag, Tier
from safety.script import (
    advance,
    caring_message,
    counselor_regrades,
    counselor_takes_over,
    degraded_reply,
    delivery_status,
    hand_back,
    open_follow_up,
    open_screener,
    open_triage,
    rehearse,
    tick,
)
from safety.triage.facts import CrisisTerms, DeliveryFacts, InputKind, StudentFacts
from safety.triage.opening import gentle_check_in
from safety.triage.state import CheckInKind, TriageState, TriageStep
from safety.triage.step import Digest, OpenCase, Page, RecordAnswer, ScheduleCheckIn, ScriptStep
from safety.types import Category, Mode, Screening, Severity
from tests.unit.safety_script.walks import ADULT, BROKEN, CLEAR, NOW, UNSTAFFED, crisis, unclear

HIGH, IMMINENT = Severity.HIGH, Severity.IMMINENT


def say(step: ScriptStep, *replies: str, facts: StudentFacts = ADULT, verdict: Screening = CLEAR) -> ScriptStep:
    """Go on with replies, half a minute apart."""
    for reply in replies:
        step = advance(state_of(step), reply, verdict, facts, state_of(step).last_student_at + timedelta(seconds=30))
    return step


def state_of(step: ScriptStep) -> TriageState:
    assert step.state is not None
    return step.state


def said(step: ScriptStep) -> str:
    return " ".join(step.messages)


def pages(step: ScriptStep) -> list[Page]:
    return [effect for effect in step.effects if isinstance(effect, Page)]


def values(step: ScriptStep) -> list[str]:
    return [choice.value for choice in step.choices]


def test_the_first_reply_asks_directly_with_the_lines_beside_it() -> None:
    step = open_triage(crisis(), ADULT, NOW)
    assert step.messages[-1] == "Are you thinking about killing yourself?"
    assert values(step)[:5] == ["yes", "unsure", "no", "refused", "done_something"]
    assert {"call:us-988", "text:us-988"} <= set(values(step))


def test_a_clear_message_is_refused() -> None:
    with pytest.raises(ValueError, match="does not enter"):
        open_triage(CLEAR, ADULT, NOW)


def test_the_screener_goes_in_order_and_tells_people_as_it_rises() -> None:
    step = open_triage(crisis(), ADULT, NOW)
    asked, told = [], []
    while state_of(step).step is TriageStep.SCREEN:
        asked.append(state_of(step).item)
        told += [effect.tier for effect in step.effects if isinstance(effect, Page | Digest)]
        step = say(step, "recent" if state_of(step).item == "behaviour" else "yes")
    assert asked == ["thoughts", "method", "intent", "plan", "behaviour"]
    assert told == [Tier.DIGEST, Tier.SAME_DAY, Tier.PAGE_NOW]
    assert state_of(step).step is TriageStep.MEANS


def test_thoughts_denied_skips_to_past_behaviour() -> None:
    step = say(open_triage(crisis(), ADULT, NOW), "no")
    assert state_of(step).item == "behaviour"


def test_a_no_that_holds_crisis_words_counts_as_said() -> None:
    step = say(open_triage(crisis(), ADULT, NOW), "yes")
    step = advance(state_of(step), "no", crisis(severity=HIGH), ADULT, NOW + timedelta(minutes=1))
    assert state_of(step).answers["method"] == "said"
    assert pages(step)


def test_done_something_puts_the_emergency_first_and_pages_everybody() -> None:
    step = say(open_triage(crisis(), ADULT, NOW), "done_something")
    assert step.messages[0].startswith("Call 911 now")
    assert state_of(step).step is TriageStep.EMERGENCY
    assert pages(step)[0].tier is Tier.PAGE_ALL
    assert "their supervisor" in said(step)


def test_an_ingestion_is_urgent_even_if_it_feels_fine() -> None:
    step = say(open_triage(crisis(severity=IMMINENT), ADULT, NOW), "took")
    assert "even if you feel fine" in said(step)
    assert "1-800-222-1222" in said(step)
    elsewhere = replace(ADULT, region="uk")
    step = say(open_triage(crisis(severity=IMMINENT), elsewhere, NOW), "took", facts=elsewhere)
    assert "999 now, even if you feel fine" in said(step)
    assert "Poison" not in said(step)


def test_help_reached_ends_the_questions_and_keeps_the_case() -> None:
    step = say(open_triage(crisis(severity=IMMINENT), ADULT, NOW), "took", "called")
    assert state_of(step).step is TriageStep.SAFE_WITH_HELP
    assert state_of(step).item is None
    assert state_of(step).case_open
    assert step.mode is Mode.GUARDED


def test_two_skips_are_accepted_without_a_third_question() -> None:
    step = say(open_triage(crisis(severity=HIGH), ADULT, NOW), "refused", "refused")
    assert state_of(step).step is TriageStep.REFUSED
    assert "I won't keep asking" in said(step)
    again = advance(state_of(step), "still want to die", crisis(), ADULT, NOW + timedelta(hours=1))
    assert state_of(again).item is None
    next_day = advance(state_of(step), "still want to die", crisis(), ADULT, NOW + timedelta(hours=20))
    assert state_of(next_day).item is not None


def test_high_and_silent_is_nudged_at_two_minutes_and_paged_at_five() -> None:
    state = state_of(open_triage(crisis(severity=HIGH), ADULT, NOW))
    assert tick(state, ADULT, NOW + timedelta(minutes=1, seconds=59)) is None
    nudge = tick(state, ADULT, NOW + timedelta(minutes=2))
    assert nudge is not None and not pages(nudge)
    assert "I'll tell the on-call counselor" in said(nudge)
    state = state_of(nudge)
    assert tick(state, ADULT, NOW + timedelta(minutes=4)) is None
    paged = tick(state, ADULT, NOW + timedelta(minutes=5))
    assert paged is not None
    assert [page.reason for page in pages(paged)] == ["silent"]
    assert state_of(paged).step is TriageStep.SILENT
    assert tick(state_of(paged), ADULT, NOW + timedelta(minutes=30)) is None
    back = advance(state_of(paged), "here", CLEAR, ADULT, NOW + timedelta(minutes=40))
    assert state_of(back).item == "thoughts"
    assert Flag.UNRESPONSIVE not in state_of(back).flags


def test_silence_after_an_attempt_calls_everybody_again() -> None:
    state = state_of(open_triage(crisis(severity=IMMINENT), ADULT, NOW))
    paged = tick(state, ADULT, NOW + timedelta(minutes=6))
    assert paged is not None
    assert pages(paged)[0].tier is Tier.PAGE_ALL


def test_lower_risk_and_silent_is_left_in_peace_with_a_check_in() -> None:
    state = state_of(open_triage(crisis(), ADULT, NOW))
    assert tick(state, ADULT, NOW + timedelta(minutes=5)) is None
    left = tick(state, ADULT, NOW + timedelta(minutes=31))
    assert left is not None and not pages(left)
    assert state_of(left).step is TriageStep.GUARDED
    assert CheckInKind.SILENCE in {entry.kind for entry in state_of(left).check_ins}


def test_a_survivor_who_told_nobody_is_not_reported_for_being_silent() -> None:
    state = state_of(open_triage(crisis(Category.ABUSE, HIGH), ADULT, NOW))
    assert all(
        not pages(step)
        for minutes in (2, 5, 10, 31)
        if (step := tick(state, ADULT, NOW + timedelta(minutes=minutes))) is not None
    )


def test_means_then_people_then_plan_then_waiting() -> None:
    step = say(open_triage(crisis(severity=HIGH), ADULT, NOW), "yes", "no", "no", "no", "no")
    assert state_of(step).item == "md_distance"
    step = say(step, "done")
    assert state_of(step).item == "md_people"
    step = say(step, "yes", "no")
    assert state_of(step).item == "pl_step"
    step = say(step, "walking the dog", "my sister", "the kitchen")
    assert state_of(step).step is TriageStep.WAITING
    assert state_of(step).answers["pl_step"] == "given"
    assert "walking" not in str(state_of(step).to_dict())


def test_the_plan_is_recorded_in_the_students_words() -> None:
    step = say(
        open_triage(crisis(severity=HIGH), ADULT, NOW),
        "yes",
        "no",
        "no",
        "no",
        "no",
        "done",
        "yes",
        "no",
        "walking the dog",
    )
    assert RecordAnswer("pl_step", "walking the dog") in step.effects


def test_means_within_reach_call_everybody() -> None:
    step = say(open_triage(crisis(severity=HIGH), ADULT, NOW), "yes", "no", "no", "no", "no", "cannot")
    assert pages(step)[0].tier is Tier.PAGE_ALL
    assert step.messages[0].startswith("Call 911 now")
    assert state_of(step).step is TriageStep.EMERGENCY


def test_whoever_is_called_is_told_where_and_how_if_the_student_likes() -> None:
    step = open_triage(crisis(severity=HIGH), ADULT, NOW)
    step = say(step, "yes", "no", "no", "no", "no", "done", "yes", "no", "a", "b", "c")
    assert state_of(step).item == "wt_where"
    step = say(step, "library, 2nd floor")
    assert RecordAnswer("wt_where", "library, 2nd floor") in step.effects
    step = say(step, "refused")
    assert state_of(step).step is TriageStep.WAITING and state_of(step).item is None


def test_caring_messages_ask_for_nothing_and_are_signed() -> None:
    texts = [caring_message(number, "Ana, counseling center", "en") for number in range(5)]
    assert len(set(texts)) == 4
    assert all(text.endswith("Ana, counseling center") and "?" not in text for text in texts)


def test_an_own_plan_and_own_terms_are_used_where_there_are_any() -> None:
    facts = replace(ADULT, has_plan=True, crisis_terms=CrisisTerms("the dog", "my aunt"))
    step = say(
        open_triage(crisis(severity=HIGH), facts, NOW), "yes", "no", "no", "no", "no", "done", "yes", "no", facts=facts
    )
    assert state_of(step).item == "pl_own"
    assert "the dog" in said(step) and "my aunt" in said(step)
    assert "companion:plan" in [choice.href for choice in step.choices]


def waiting(facts: StudentFacts = ADULT) -> TriageState:
    step = open_triage(crisis(severity=HIGH), facts, NOW)
    return state_of(
        say(step, "yes", "no", "no", "no", "no", "done", "yes", "no", "a", "b", "c", "skip", "skip", facts=facts)
    )


def test_waiting_says_what_is_true_and_until_when_it_is_due() -> None:
    state = waiting()
    facts = replace(ADULT, delivery=DeliveryFacts(sent_at=NOW, expected_by=NOW + timedelta(hours=1)))
    step = advance(state, "ok", CLEAR, facts, state.since + timedelta(minutes=1))
    assert "Sent 2:14" in step.messages
    assert "It's due to be opened by 3:14." in step.messages


def test_an_unopened_case_is_admitted_and_then_given_up() -> None:
    state = waiting()
    facts = replace(ADULT, delivery=DeliveryFacts(sent_at=NOW, expected_by=state.since + timedelta(minutes=1)))
    late = tick(state, facts, state.since + timedelta(minutes=1))
    assert late is not None and "Nobody has opened this yet" in said(late)
    over = tick(state_of(late), facts, state.since + timedelta(minutes=30))
    assert over is not None and state_of(over).step is TriageStep.NO_STAFF


def test_a_person_silent_for_three_minutes_is_admitted_once() -> None:
    state = waiting()
    facts = replace(ADULT, delivery=DeliveryFacts(sent_at=state.since, opened_at=state.since))
    assert tick(state, facts, state.since + timedelta(minutes=2)) is None
    quiet = tick(state, facts, state.since + timedelta(minutes=3))
    assert quiet is not None and "quiet for a few minutes" in said(quiet)
    later = tick(state_of(quiet), facts, state.since + timedelta(minutes=9))
    assert later is not None and "quiet for a few minutes" not in said(later)


def test_without_staff_the_student_is_told_when_somebody_looks() -> None:
    step = open_triage(crisis(severity=HIGH), UNSTAFFED, NOW)
    assert "Nobody here sees this before Monday 9:00." in said(step)
    assert "I'll show you when" not in said(step)
    step = say(step, "yes", "no", "no", "no", "no", "done", "yes", "no", "a", "b", "c", facts=UNSTAFFED)
    assert state_of(step).step is TriageStep.NO_STAFF
    assert step.mode is Mode.GUARDED
    step = say(step, "tomorrow", facts=UNSTAFFED)
    assert [effect.kind for effect in step.effects if isinstance(effect, ScheduleCheckIn)] == [CheckInKind.AGREED]
    assert "Sunday 10:00" in said(step)


def test_hours_are_those_of_the_student() -> None:
    facts = replace(UNSTAFFED, zone="America/Los_Angeles")
    assert "Monday 1:00" in said(open_triage(crisis(severity=HIGH), facts, NOW))


def test_a_person_silences_the_companion_until_they_hand_back() -> None:
    joined = counselor_takes_over(waiting(), ADULT, NOW)
    assert joined.mode is Mode.LIVE_PERSON
    step = advance(state_of(joined), "are you there", CLEAR, ADULT, NOW)
    assert step.messages == () and step.mode is Mode.LIVE_PERSON
    back = hand_back(state_of(joined), "Call me tomorrow at 9.", ADULT, NOW)
    assert back.mode is Mode.GUARDED
    assert "Call me tomorrow at 9." in said(back)
    with pytest.raises(ValueError, match="hand-back"):
        hand_back(state_of(back), "again", ADULT, NOW)
    with pytest.raises(ValueError, match="hand-back"):
        hand_back(state_of(joined), "  ", ADULT, NOW)


def test_worse_words_beside_a_person_reach_the_case_without_a_word() -> None:
    joined = counselor_takes_over(state_of(open_triage(crisis(), ADULT, NOW)), ADULT, NOW)
    step = advance(state_of(joined), "words", crisis(severity=Severity.MODERATE), ADULT, NOW)
    assert step.messages == ()
    assert [type(effect).__name__ for effect in step.effects] == ["RaiseCase"]
    fresh = counselor_takes_over(None, ADULT, NOW)
    step = advance(state_of(fresh), "words", crisis(severity=Severity.MODERATE), ADULT, NOW)
    assert step.messages == ()
    assert [type(effect).__name__ for effect in step.effects] == ["OpenCase"]


def test_a_student_left_unanswered_by_a_person_is_not_left() -> None:
    joined = state_of(counselor_takes_over(waiting(), ADULT, NOW))
    wrote = state_of(advance(joined, "hello?", CLEAR, ADULT, NOW + timedelta(minutes=1)))
    assert tick(wrote, ADULT, NOW + timedelta(minutes=3)) is None
    step = tick(wrote, ADULT, NOW + timedelta(minutes=4))
    assert step is not None and pages(step)[0].reason == "unanswered"
    answered = replace(ADULT, delivery=DeliveryFacts(last_person_at=NOW + timedelta(minutes=2)))
    assert tick(wrote, answered, NOW + timedelta(minutes=4)) is None


def test_only_a_counselor_with_a_reason_lowers() -> None:
    state = waiting()
    assert counselor_regrades(state, Severity.LOW, "spoke with her").severity is Severity.LOW
    with pytest.raises(ValueError, match="reason"):
        counselor_regrades(state, Severity.LOW, " ")


def test_a_misread_without_a_case_goes_back_to_the_topic() -> None:
    step = open_triage(unclear("not coming back"), ADULT, NOW)
    assert step.messages == ("I can read that two ways. Do you mean leaving school, or dying?",)
    assert step.effects == ()
    step = say(step, "no")
    assert state_of(step).item == "mr_safe"
    step = say(step, "yes")
    assert step.state is None and step.mode is Mode.ORDINARY and step.messages


def test_a_clarified_yes_opens_the_screen() -> None:
    step = say(open_triage(unclear(), ADULT, NOW), "yes")
    assert state_of(step).item == "thoughts"
    assert [effect for effect in step.effects if isinstance(effect, OpenCase)]


def test_a_joke_after_explicit_words_keeps_the_case_for_review() -> None:
    step = say(open_triage(crisis(severity=HIGH), ADULT, NOW), "jk lol")
    assert said(step).startswith("Okay, no more questions. One check: are you safe right now?")
    step = say(step, "yes")
    assert step.mode is Mode.GUARDED
    assert state_of(step).severity is HIGH and state_of(step).case_open


def test_not_safe_after_a_joke_goes_on_with_the_questions() -> None:
    step = say(open_triage(unclear(), ADULT, NOW), "no", "no")
    assert state_of(step).step is TriageStep.SCREEN


def test_ordinary_words_after_a_joke_go_on() -> None:
    step = say(open_triage(unclear(), ADULT, NOW), "no", "anyway the essay")
    assert step.passes_on and step.state is None


def test_a_minor_hears_the_limits_before_answering() -> None:
    step = open_triage(crisis(), replace(ADULT, minor=True), NOW)
    assert state_of(step).step is TriageStep.MINOR
    assert "You're under 18" in said(step)
    assert "not to professors or parents" not in said(step)
    californian = open_triage(crisis(), replace(ADULT, minor=True, region="us-ca"), NOW)
    assert "often keep what you say private" in said(californian)


def test_an_unknown_country_is_asked_and_never_guessed() -> None:
    facts = replace(ADULT, region=None)
    step = open_triage(crisis(), facts, NOW)
    assert state_of(step).item == "el_country"
    assert {entry.region for entry in step.resources} == {"international"}
    step = say(step, "i'm in germany", facts=facts)
    assert state_of(step).region == "eu" and state_of(step).item == "thoughts"
    assert {entry.region for entry in step.resources} == {"eu", "international"}


def test_abroad_shows_the_lines_of_that_country_only() -> None:
    step = say(open_triage(crisis(severity=IMMINENT), ADULT, NOW), "elsewhere", "uk")
    assert {entry.region for entry in step.resources} == {"uk", "international"}
    assert state_of(step).item == "em_what"
    step = say(open_triage(crisis(severity=IMMINENT), ADULT, NOW), "elsewhere", "other")
    assert {entry.region for entry in step.resources} == {"international"}


def test_an_unconfirmed_transcript_asks_and_pages_nobody() -> None:
    facts = replace(ADULT, input=InputKind.VOICE_UNCONFIRMED)
    step = open_triage(crisis(severity=IMMINENT), facts, NOW)
    assert state_of(step).item == "vo_heard" and step.effects == ()
    spoken = advance(state_of(step), "yes", CLEAR, facts, NOW)
    assert state_of(spoken).item == "vo_heard" and spoken.effects == ()
    tapped = say(step, "yes")
    assert pages(tapped)[0].tier is Tier.PAGE_ALL


def test_confirmed_speech_is_asked_whether_aloud_is_fine() -> None:
    facts = replace(ADULT, input=InputKind.VOICE)
    step = open_triage(crisis(), facts, NOW)
    assert state_of(step).item == "vo_aloud"
    assert state_of(say(step, "no", facts=facts)).item == "thoughts"


def test_a_student_who_comes_back_is_not_introduced_and_gets_no_discount() -> None:
    state = replace(waiting(), step=TriageStep.GUARDED, item=None, human_contact=True)
    step = advance(state, "i wish i was dead again", crisis(), ADULT, NOW + timedelta(days=2))
    assert state_of(step).item == "ag_different"
    assert "I'm software" not in said(step)
    assert pages(step)[0].tier is Tier.PAGE_NOW
    assert state_of(say(step, "my dad called")).item == "thoughts"


@pytest.mark.parametrize(("hours", "word"), [(0, "tonight"), (12, "today")])
def test_the_hour_is_named_as_it_is(hours: int, word: str) -> None:
    step = open_triage(crisis(), replace(ADULT, earlier_case=True), NOW + timedelta(hours=hours))
    assert step.messages[-1] == f"What's different {word}?"


def test_guarded_passes_ordinary_words_on_with_the_lines() -> None:
    state = replace(waiting(), step=TriageStep.GUARDED, item=None)
    step = advance(state, "can you help me plan tomorrow", CLEAR, ADULT, NOW)
    assert step.passes_on and step.mode is Mode.GUARDED and step.resources
    homework = advance(state, "i did it, the essay is in", CLEAR, ADULT, NOW)
    assert homework.passes_on


def test_guarded_without_screening_gets_no_model() -> None:
    state = replace(waiting(), step=TriageStep.GUARDED, item=None)
    assert not advance(state, "hello", BROKEN, ADULT, NOW).passes_on


def test_the_follow_up_that_went_well_ends_the_guard_unless_nobody_was_in_contact() -> None:
    low = state_of(say(open_triage(crisis(), ADULT, NOW), "no", "no", "no_check_in"))
    asked = tick(low, ADULT, NOW + timedelta(days=1, minutes=5))
    assert asked is not None and state_of(asked).item == "fu_how"
    ended = say(asked, "better")
    assert ended.mode is Mode.ORDINARY
    later = tick(state_of(ended), ADULT, NOW + timedelta(days=7, minutes=5))
    assert later is not None and state_of(later).item == "fu_how"
    assert say(later, "better").state is None

    high = replace(low, severity=HIGH)
    asked = tick(high, ADULT, NOW + timedelta(days=1, minutes=5))
    assert asked is not None and say(asked, "better").mode is Mode.GUARDED


def test_a_worse_follow_up_asks_what_is_different() -> None:
    step = say(open_follow_up(Category.SUICIDE, Severity.LOW, ADULT, NOW), "worse")
    assert state_of(step).item == "ag_different"


def test_a_part_down_shows_the_lines_to_everyone() -> None:
    step = degraded_reply(ADULT, NOW)
    assert said(step).startswith("A part of me is down, so I show these to everyone.")
    assert step.effects == () and step.resources
    assert state_of(say(step, "yes")).item == "thoughts"
    assert say(step, "the essay again").state is None
    assert advance(state_of(step), "hello", BROKEN, ADULT, NOW).messages[0].startswith("Thanks. Your message is kept.")


def test_harm_to_others_has_its_own_questions() -> None:
    step = open_triage(crisis(Category.HARM_TO_OTHERS), ADULT, NOW)
    assert state_of(step).item == "hto_near"
    step = say(step, "no", "yes")
    assert pages(step)[0].tier is Tier.PAGE_NOW
    step = say(step, "no", "done")
    assert state_of(step).step is TriageStep.WAITING


def test_a_survivor_chooses_and_is_told_the_limits_first() -> None:
    step = open_triage(crisis(Category.ABUSE), ADULT, NOW)
    assert "duties to report" in step.messages[0] and "Nothing has been sent." in step.messages[0]
    assert [effect.tier for effect in step.effects if isinstance(effect, OpenCase)] == [Tier.NONE]
    assert "companion:exit" in [choice.href for choice in step.choices]
    nobody = say(step, "yes", "tell_nobody")
    assert not pages(nobody) and "I tell nobody" in said(nobody)
    staff = say(step, "yes", "tell_staff")
    assert pages(staff)[0].confidential and "confidential support staff and nobody else" in said(staff)


def test_a_survivor_in_danger_now_is_helped_at_once_by_confidential_staff() -> None:
    step = say(open_triage(crisis(Category.ABUSE), ADULT, NOW), "no")
    assert pages(step)[0].confidential
    assert "tell nobody" not in said(step)


def test_what_a_survivor_said_stays_confidential_when_the_matter_turns() -> None:
    step = open_triage(crisis(Category.ABUSE), ADULT, NOW)
    step = advance(state_of(step), "words", crisis(severity=HIGH), ADULT, NOW)
    assert pages(step)[0].confidential
    scheduled = [effect for effect in say(step, "refused", "refused").effects if isinstance(effect, ScheduleCheckIn)]
    assert scheduled and all(effect.discreet for effect in scheduled)


def test_a_worried_friend_gets_a_guide_no_file_and_is_asked_about() -> None:
    step = say(open_triage(crisis(Category.THIRD_PARTY), ADULT, NOW), "other", "yes")
    assert "Call 911 now and tell them where your friend is." in said(step)
    assert pages(step)
    assert not [effect for effect in step.effects if isinstance(effect, RecordAnswer)]
    step = say(step, "yes")
    assert state_of(step).item == "tp_self"
    step = say(step, "yes")
    assert state_of(step).category is Category.SUICIDE


def test_a_friend_in_no_present_danger_is_reported_to_nobody() -> None:
    step = open_triage(crisis(Category.THIRD_PARTY), ADULT, NOW)
    told = []
    for reply in ("other", "no", "no", "no", "no"):
        step = say(step, reply)
        told += [effect for effect in step.effects if isinstance(effect, Page | Digest)]
    assert told == []


def test_ai_harm_draws_a_line_and_turns_to_people() -> None:
    step = open_triage(crisis(Category.AI_HARM), ADULT, NOW)
    assert "I'm software too" in step.messages[0]
    assert state_of(say(step, "no")).item == "ai_person"
    assert state_of(say(step, "yes")).category is Category.SUICIDE


def test_psychosis_reflects_the_feeling_and_an_eating_disorder_gets_no_numbers() -> None:
    step = say(open_triage(crisis(Category.PSYCHOSIS), ADULT, NOW), "no")
    assert pages(step) and "scary" in said(step)
    step = say(open_triage(crisis(Category.EATING_DISORDER), ADULT, NOW), "yes")
    assert "911" in said(step)
    assert not any(char.isdigit() for char in said(step).replace("911", ""))


def test_item_nine_asks_and_the_answers_decide() -> None:
    step = open_screener(ADULT, NOW)
    assert state_of(step).item == "wish" and step.effects == ()
    assert say(step, "no", "no", "no").state is None
    opened = say(step, "yes")
    assert [effect.tier for effect in opened.effects if isinstance(effect, Digest)] == [Tier.DIGEST]


def test_data_signals_make_a_gentle_question_and_nothing_else() -> None:
    step = gentle_check_in("mood_low_sustained", ADULT, NOW)
    assert step.state is None and step.effects == () and "low days" in said(step)
    assert "a lot at once" in said(gentle_check_in("something_else", ADULT, NOW))


def test_asking_for_a_person_calls_one_at_once_and_again_when_nobody_came() -> None:
    step = say(open_triage(crisis(), ADULT, NOW), "want_person")
    assert pages(step)[0].reason == "asked" and state_of(step).item == "thoughts"
    twice = say(step, "want_person")
    assert not pages(twice) and "already asked" in said(twice)
    guarded = replace(state_of(step), step=TriageStep.GUARDED, item=None)
    assert pages(advance(guarded, "want_person", CLEAR, ADULT, NOW + timedelta(hours=3)))


def test_rehearsal_walks_the_real_policy_and_sends_nothing() -> None:
    walked = rehearse("i have a plan", crisis(severity=HIGH), ADULT, NOW)
    assert walked.reply.effects == () and walked.reply.state is None
    assert walked.plan is not None and walked.plan.tier is Tier.PAGE_NOW
    assert "Nothing is stored as a case and nothing is sent" in walked.explained[0]
    assert rehearse("hi", CLEAR, ADULT, NOW).plan is None
    assert rehearse("hm", unclear(), ADULT, NOW).plan is None
    assert rehearse("he hits me", crisis(Category.ABUSE), ADULT, NOW).plan is None


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (DeliveryFacts(), ""),
        (DeliveryFacts(sent_at=NOW), "Sent 2:14"),
        (
            DeliveryFacts(sent_at=NOW, opened_at=NOW + timedelta(minutes=2), writing_at=NOW),
            "Sent 2:14 · Opened by a counselor 2:16 · A counselor is writing",
        ),
        (DeliveryFacts(sent_at=NOW, writing_at=NOW, closed_at=NOW), "Sent 2:14 · Closed 2:14"),
    ],
)
def test_the_status_line_is_the_stored_facts(facts: DeliveryFacts, line: str) -> None:
    assert delivery_status(facts) == line


def test_spanish_is_spoken_throughout() -> None:
    facts = replace(ADULT, language="es")
    step = open_triage(crisis(severity=HIGH), facts, NOW)
    assert step.messages[-1] == "¿Estás pensando en quitarte la vida?"
    assert "Llamar a 988" in [choice.label for choice in step.choices]
    assert state_of(say(step, "sí", facts=facts)).item == "method"
