"""The tests of the tests: each small, plausible bug must be caught by the check that stands against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safety import policy, resources, review, script
from safety.policy import Flag, Tier, tier_for
from safety.resources import resources_for
from safety.review import ReviewContext, review_sentence
from safety.script import hand_back, tick
from safety.triage import answers, buttons, endings, entry, hearing, machine, opening, sharing, silence, telling, words
from safety.triage import draft as drafts
from safety.triage import flow as flows
from safety.triage.draft import Draft
from safety.triage.facts import InputKind, StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import Page, ScriptStep
from safety.triage.words import Words
from safety.types import Category, Screening, Severity
from tests.mutation import seed
from tests.unit.safety_script import checks, test_resources, test_states, test_told_again
from tests.unit.safety_script.checks import CHECKS, Check, faults
from tests.unit.safety_script.review_lines import BAD, GOOD
from tests.unit.safety_script.test_policy import CELLS
from tests.unit.safety_script.walks import ADULT, FACTS, NOW, crisis, walk

Patch = pytest.MonkeyPatch
MURMUR = replace(ADULT, input=InputKind.VOICE_UNCONFIRMED)


def caught_by(check: Check, limit: int = 260) -> bool:
    """Whether a check finds a fault on a short walk."""
    return any(check(move) for facts in (ADULT, MURMUR, *FACTS) for move in walk(facts, limit))


def retold(patch: Patch, changes: Mapping[str, str]) -> None:
    """Change texts of the English script."""
    original = words.words_for("en")

    def text(self: Words, key: str, **values: str) -> str:
        return changes[key].format(**values) if key in changes and self.language == "en" else TEXT(self, key, **values)

    assert all(original.has(key) for key in changes)
    patch.setattr(Words, "text", text)


TEXT = Words.text


def severity_follows_the_last_words(patch: Patch) -> None:
    original = Draft.learn

    def learn(self: Draft, severity: Severity = Severity.NONE, *args: Any, **kwargs: Any) -> None:
        original(self, severity, *args, **kwargs)
        self.change(severity=severity)

    patch.setattr(Draft, "learn", learn)


def people_are_told_silently(patch: Patch) -> None:
    def share(self: Draft, tier: Tier, reason: str) -> None:
        self.effects.append(Page(tier, reason))

    patch.setattr(Draft, "share", share)


def nobody_is_told(patch: Patch) -> None:
    patch.setattr(Draft, "share", lambda self, tier, reason: None)


def the_notice_forgets_emergencies(patch: Patch) -> None:
    retold(patch, {"sharing.page": "{because} this conversation to {who}, {not_who}. I'll show you when it's opened."})


def the_notice_names_the_wrong_people(patch: Patch) -> None:
    retold(patch, {"sharing.who.counselor_supervisor": "the on-call counselor"})
    patch.setattr(sharing, "_who", lambda *args: "staff")


def the_page_claims_it_was_opened(patch: Patch) -> None:
    retold(patch, {"say.waiting.now": "A counselor has opened this. Stay near the door."})


def the_emergency_says_help_is_coming(patch: Patch) -> None:
    retold(patch, {"emergency.repeat": "Help is on the way. Call {emergency}."})


def the_status_line_invents_a_writer(patch: Patch) -> None:
    patch.setattr(endings, "delivery_status", lambda *args: "A counselor is writing")


def nights_are_staffed_by_nobody(patch: Patch) -> None:
    retold(
        patch,
        {
            "sharing.page_unstaffed": TEXT(
                words.words_for("en"), "sharing.page", because="{because}", who="{who}", not_who="{not_who}"
            )
        },
    )


def minors_are_adults(patch: Patch) -> None:
    patch.setattr(Draft, "_say_minor_limits", lambda self: None)


def the_buttons_vanish(patch: Patch) -> None:
    patch.setattr(drafts, "buttons", lambda *args: ())


def the_lines_vanish(patch: Patch) -> None:
    patch.setattr(drafts, "resources_for", lambda *args: ())


def an_unknown_country_is_american(patch: Patch) -> None:
    patch.setattr(drafts, "resources_for", lambda region, *rest: resources_for(region or "us", *rest))


def unclear_words_open_a_case(patch: Patch) -> None:
    original = drafts.begin

    def begin(category: Category, facts: StudentFacts, now: Any) -> Draft:
        draft = original(category, facts, now)
        draft.learn(Severity.LOW)
        draft.tell(draft.state)
        return draft

    patch.setattr(opening, "begin", begin)


def transcripts_are_believed(patch: Patch) -> None:
    original = hearing.hear

    def misheard(draft: Draft, screening: Screening) -> ScriptStep:
        return (original(draft, draft.state, screening, None) if screening.crisis else None) or draft.done()

    patch.setattr(machine, "_misheard", misheard)


def a_case_at_rest_sleeps_through_new_words(patch: Patch) -> None:
    patch.setattr(hearing, "_RESTING", frozenset())


def another_matter_is_not_heard(patch: Patch) -> None:
    original = Draft.learn

    def learn(
        self: Draft,
        severity: Severity = Severity.NONE,
        category: Category | None = None,
        flags: frozenset[Flag] = frozenset(),
    ) -> None:
        original(self, severity, None, flags)

    patch.setattr(Draft, "learn", learn)


def the_emergency_comes_second(patch: Patch) -> None:
    original = Draft.done

    def done(self: Draft) -> ScriptStep:
        if self.state.step is TriageStep.EMERGENCY:
            self.messages.reverse()
        return original(self)

    patch.setattr(Draft, "done", done)


def others_are_asked_about_suicide(patch: Patch) -> None:
    flow = flows.load_flow()
    tracks = {**flow.tracks, Category.HARM_TO_OTHERS: replace(flow.tracks[Category.HARM_TO_OTHERS], first="thoughts")}
    changed = replace(flow, tracks=tracks)
    patch.setattr(answers, "load_flow", lambda: changed)
    patch.setattr(entry, "load_flow", lambda: changed)


def a_refusal_is_asked_again(patch: Patch) -> None:
    def refuse(draft: Draft) -> ScriptStep:
        draft.ask("thoughts", TriageStep.REFUSED)
        return draft.done()

    patch.setattr(answers, "refuse", refuse)
    patch.setattr(machine, "refuse", refuse)


def the_companion_talks_over_a_person(patch: Patch) -> None:
    def beside(draft: Draft, text: str, screening: Screening) -> ScriptStep:
        draft.say("say.waiting.here")
        return draft.done()

    patch.setattr(machine, "beside_a_person", beside)


def nobody_is_called_beside_a_person(patch: Patch) -> None:
    patch.setattr(machine, "beside_a_person", lambda draft, text, screening: draft.done())


def yesterdays_call_stands_for_tonights(patch: Patch) -> None:
    patch.setattr(telling, "running", lambda state, now: state.tier)
    patch.setattr(drafts, "running", lambda state, now: state.tier)


def not_asking_is_not_telling(patch: Patch) -> None:
    original = Draft.tell

    def tell(self: Draft, *args: Any) -> bool:
        return self.state.step is not TriageStep.REFUSED and original(self, *args)

    patch.setattr(Draft, "tell", tell)


def help_reached_is_help_for_good(patch: Patch) -> None:
    held = hearing.unasked
    patch.setattr(hearing, "unasked", lambda state, now: state.step is TriageStep.SAFE_WITH_HELP or held(state, now))
    retold(patch, {"say.safe.still": "Tell the person who's with you that, in the same words."})


def a_person_nearby_is_a_call(patch: Patch) -> None:
    patch.setattr(telling, "accompanied", lambda state, facts, now: state.step is TriageStep.LIVE)
    patch.setattr("safety.triage.beside.accompanied", lambda state, facts, now: state.step is TriageStep.LIVE)


def worse_is_an_answer_like_any_other(patch: Patch) -> None:
    patch.setattr(answers, "_worse", lambda draft, before: None)


def a_call_is_not_dated(patch: Patch) -> None:
    original = Draft.share

    def share(self: Draft, *args: Any) -> None:
        known = self.state.told_at
        original(self, *args)
        self.change(told_at=known)

    patch.setattr(Draft, "share", share)


def every_word_dates_the_call(patch: Patch) -> None:
    original = Draft.learn

    def learn(self: Draft, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.change(told_at=self.now)

    patch.setattr(Draft, "learn", learn)


def own_words_are_a_doubt(patch: Patch) -> None:
    original = answers.take_answer

    def take(draft: Draft, before: TriageState, item: Any, value: str, **kwargs: Any) -> ScriptStep:
        return original(draft, before, item, "unsure" if value == "said" else value, **kwargs)

    patch.setattr(machine, "take_answer", take)


def unclear_words_are_harmless_when_left(patch: Patch) -> None:
    patch.setitem(answers._ENDS, "@unsaid", endings.back)


def the_guard_ends_by_itself(patch: Patch) -> None:
    def well(draft: Draft) -> ScriptStep:
        draft.change(check_ins=())
        return draft.back_to_ordinary()

    patch.setitem(answers._ENDS, "@well", well)


def flags_are_lost_in_storage(patch: Patch) -> None:
    original = TriageState.to_dict
    patch.setattr(TriageState, "to_dict", lambda self: {**original(self), "flags": []})


def check_ins_are_announced_and_forgotten(patch: Patch) -> None:
    original = Draft.schedule

    def schedule(self: Draft, *args: Any) -> None:
        kept = self.state.check_ins
        original(self, *args)
        self.change(check_ins=kept)

    patch.setattr(Draft, "schedule", schedule)


def a_case_that_turns_stays_open_to_all(patch: Patch) -> None:
    patch.setattr(Draft, "turned", property(lambda self: False))


def only_what_raises_makes_a_case_confidential(patch: Patch) -> None:
    patch.setattr(Draft, "confide", lambda self, category: None)


def who_is_told_from_here_on_is_not_said(patch: Patch) -> None:
    retold(patch, {"say.confidential.now": "Thank you."})


def the_hand_back_goes_to_the_ordinary_path(patch: Patch) -> None:
    flow = flows.load_flow()
    cut = {**flow.transitions, TriageStep.LIVE: frozenset({TriageStep.LIVE})}
    changed = replace(flow, transitions=cut)
    patch.setattr("tests.unit.safety_script.checks.load_flow", lambda: changed)


def what_went_out_is_forgotten(patch: Patch) -> None:
    patch.setattr(Draft, "people_know", property(lambda self: False))


def a_survivor_gets_no_number(patch: Patch) -> None:
    patch.setattr(entry, "DISCREET", ())


MUTATIONS: list[tuple[Callable[[Patch], None], Check]] = [
    (severity_follows_the_last_words, checks.severity_never_falls),
    (people_are_told_silently, checks.told_before_sent),
    (nobody_is_told, checks.told_before_sent),
    (the_notice_forgets_emergencies, checks.told_before_sent),
    (the_notice_names_the_wrong_people, checks.told_before_sent),
    (the_page_claims_it_was_opened, checks.claims_only_facts),
    (the_emergency_says_help_is_coming, checks.claims_only_facts),
    (the_status_line_invents_a_writer, checks.claims_only_facts),
    (nights_are_staffed_by_nobody, checks.unstaffed_is_said),
    (minors_are_adults, checks.minors_know_the_limits),
    (the_buttons_vanish, checks.one_tap_away),
    (the_lines_vanish, checks.one_tap_away),
    (an_unknown_country_is_american, checks.no_guessed_region),
    (unclear_words_open_a_case, checks.clarifying_calls_nobody),
    (transcripts_are_believed, checks.unconfirmed_voice_calls_nobody),
    (a_case_at_rest_sleeps_through_new_words, checks.crisis_reaches_people),
    (another_matter_is_not_heard, checks.crisis_reaches_people),
    (nobody_is_called_beside_a_person, checks.grave_words_reach_people),
    (nobody_is_called_beside_a_person, checks.first_aid_is_said),
    (yesterdays_call_stands_for_tonights, checks.grave_words_reach_people),
    (not_asking_is_not_telling, checks.grave_words_reach_people),
    (help_reached_is_help_for_good, checks.first_aid_is_said),
    (a_person_nearby_is_a_call, checks.grave_words_reach_people),
    (worse_is_an_answer_like_any_other, checks.grave_words_reach_people),
    (a_call_is_not_dated, checks.a_call_is_remembered_when_it_is_made),
    (every_word_dates_the_call, checks.a_call_is_remembered_when_it_is_made),
    (own_words_are_a_doubt, checks.no_answer_is_invented),
    (unclear_words_are_harmless_when_left, checks.what_words_may_mean_is_kept),
    (the_emergency_comes_second, checks.emergency_comes_first),
    (others_are_asked_about_suicide, checks.no_suicide_questions_to_others),
    (a_refusal_is_asked_again, checks.refusal_is_kept),
    (the_companion_talks_over_a_person, checks.silent_beside_a_person),
    (the_guard_ends_by_itself, checks.guard_lasts),
    (a_case_that_turns_stays_open_to_all, checks.a_turned_case_is_confidential),
    (only_what_raises_makes_a_case_confidential, checks.a_turned_case_is_confidential),
    (who_is_told_from_here_on_is_not_said, checks.a_turned_case_is_confidential),
    (flags_are_lost_in_storage, checks.survives_storage),
    (check_ins_are_announced_and_forgotten, checks.check_ins_are_kept),
    (the_hand_back_goes_to_the_ordinary_path, checks.declared_transition),
    (what_went_out_is_forgotten, checks.nobody_means_nobody),
    (a_survivor_gets_no_number, checks.a_survivor_has_the_number),
]


def test_the_untouched_script_passes_the_short_walk() -> None:
    assert [fault for move in walk(ADULT, 260) for fault in faults(move)] == []


@pytest.mark.parametrize(
    ("mutate", "check"), MUTATIONS, ids=[f"{mutate.__name__}-{check.__name__}" for mutate, check in MUTATIONS]
)
def test_a_seeded_bug_is_caught(mutate: Callable[[Patch], None], check: Check, monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    assert caught_by(check)


def paged_for_silence() -> bool:
    state = script.open_triage(crisis(severity=Severity.HIGH), ADULT, NOW).state
    assert state is not None
    step = tick(state, ADULT, NOW + timedelta(minutes=5))
    return step is not None and any(isinstance(effect, Page) for effect in step.effects)


def test_a_lost_page_for_silence_is_caught(monkeypatch: Patch) -> None:
    assert paged_for_silence()
    monkeypatch.setattr(silence, "_unresponsive", silence._nudge)
    assert not paged_for_silence()


def test_a_survivor_reported_for_silence_is_caught(monkeypatch: Patch) -> None:
    seed(monkeypatch, silence._silent, "chosen = not state.confidential or state.tier.pages", "chosen = True")
    with pytest.raises(AssertionError):
        test_states.test_a_survivor_who_told_nobody_is_not_reported_for_being_silent()


def test_hours_of_another_zone_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(words, "_zone", lambda _: ZoneInfo("UTC"))
    with pytest.raises(AssertionError):
        test_states.test_hours_are_those_of_the_student()


SCENES: list[tuple[Callable[[Patch], None], Callable[[], None]]] = []
"""Bugs that a walk cannot see, each with the scene that stands against it."""


def scene(against: Callable[[], None]) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a bug against a scene."""

    def register(mutate: Callable[[Patch], None]) -> Callable[[Patch], None]:
        SCENES.append((mutate, against))
        return mutate

    return register


@scene(test_told_again.test_the_same_words_within_minutes_page_once)
def every_word_is_a_call(patch: Patch) -> None:
    patch.setattr(telling, "running", lambda state, now: Tier.NONE)
    patch.setattr(drafts, "running", lambda state, now: Tier.NONE)


@scene(test_told_again.test_to_open_a_case_is_not_to_write_so_silence_is_noticed)
def a_case_that_is_open_on_a_screen_is_in_good_hands(patch: Patch) -> None:
    patch.setattr(silence, "_in_contact", lambda draft: draft.facts.delivery.opened_at is not None)


@scene(test_told_again.test_a_person_who_left_does_not_count_as_there)
def a_call_outlives_the_person_who_answered_it(patch: Patch) -> None:
    original = hand_back

    def handed(state: TriageState, *args: Any) -> ScriptStep:
        step = original(state, *args)
        assert step.state is not None
        return replace(step, state=replace(step.state, told_at=state.told_at))

    patch.setattr(test_told_again, "hand_back", handed)


@scene(test_told_again.test_an_ambiguous_line_after_a_refusal_starts_nothing_anew)
def a_state_that_says_nothing_is_begun_anew(patch: Patch) -> None:
    def decided(snapshot: Any, text: str, screening: Screening, kind: InputKind, now: Any) -> Any:
        return "script", script.open_triage(screening, replace(snapshot.facts, input=kind), now)

    patch.setattr(test_told_again, "decide", decided)


@scene(test_told_again.test_an_unanswered_check_in_does_not_swallow_the_next_one)
def an_unanswered_check_in_is_the_last(patch: Patch) -> None:
    original = silence._check_in_due
    patch.setattr(silence, "_check_in_due", lambda draft: None if draft.state.item == "fu_how" else original(draft))


@scene(test_told_again.test_unclear_words_left_in_silence_are_not_taken_for_harmless)
def unclear_words_that_are_left_are_dropped(patch: Patch) -> None:
    patch.setattr(silence, "_leave", lambda draft: draft.back_to_ordinary())


@scene(test_told_again.test_nobody_waits_for_a_call_that_is_over)
def the_wait_is_for_a_call_that_is_over(patch: Patch) -> None:
    patch.setattr(endings, "running", lambda state, now: state.tier)


@scene(test_told_again.test_a_no_to_are_you_safe_is_not_lost_in_other_words)
def a_no_in_other_words_is_unclear(patch: Patch) -> None:
    patch.setattr(Words, "leading", lambda self, text: None)


@scene(test_told_again.test_a_yes_with_a_wish_not_to_be_asked_is_a_yes_and_a_wish)
def a_wish_not_to_be_asked_swallows_the_yes(patch: Patch) -> None:
    patch.setattr(Words, "_half", lambda self, plain: words.STOP if self.stops(plain) else None)


@scene(test_told_again.test_naming_a_country_the_day_after_calls_nobody_and_claims_no_wait)
def a_country_ends_the_questions(patch: Patch) -> None:
    patch.setattr(answers, "running", lambda state, now: state.tier)


@pytest.mark.parametrize(("mutate", "against"), SCENES, ids=[mutate.__name__ for mutate, _ in SCENES])
def test_a_bug_that_only_a_scene_can_see_is_caught(
    mutate: Callable[[Patch], None], against: Callable[[], None], monkeypatch: Patch
) -> None:
    against()
    mutate(monkeypatch)
    with pytest.raises((AssertionError, LookupError)):
        against()


@pytest.mark.parametrize("dropped", [(rule.category, rule.severity, rule.flags) for rule in policy.load_policy().rules])
def test_a_cell_gone_from_the_policy_is_caught(dropped: tuple[Any, ...], monkeypatch: Patch) -> None:
    """Dropping any cell changes some tier or turn, so no cell is idle; the table's own test names the main ones."""
    table = policy.load_policy()
    signals = [
        (category, severity, flags)
        for category in Category
        for severity in Severity
        for flags in (set(), *({one} for one in Flag))
    ]
    before = [policy.decide(*signal) for signal in signals]
    rules = tuple(rule for rule in table.rules if (rule.category, rule.severity, rule.flags) != dropped)
    monkeypatch.setattr(policy, "load_policy", lambda: replace(table, rules=rules))
    assert [policy.decide(*signal) for signal in signals] != before


@pytest.mark.parametrize(
    ("wrong", "cells"), [(Tier.NONE, Tier.PAGE_ALL), (Tier.DIGEST, Tier.PAGE_NOW), (Tier.PAGE_NOW, Tier.DIGEST)]
)
def test_a_shifted_tier_is_caught(wrong: Tier, cells: Tier, monkeypatch: Patch) -> None:
    table = policy.load_policy()
    rules = tuple(replace(rule, tier=wrong) if rule.tier is cells else rule for rule in table.rules)
    monkeypatch.setattr(policy, "load_policy", lambda: replace(table, rules=rules))
    assert any(tier_for(category, severity, flags) is not tier for category, severity, flags, tier in CELLS)


def test_a_broken_pair_is_caught(monkeypatch: Patch) -> None:
    lines = dict(resources.load_resources())
    lines["us"] = tuple(entry for entry in lines["us"] if entry.id != "us-veterans-text")
    monkeypatch.setattr(resources, "load_resources", lambda: lines)
    shown = {entry.id for entry in resources.resources_for("us", "en", [resources.Audience.VETERANS])}
    assert "us-veterans-text" not in shown


def test_half_a_pair_on_the_buttons_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(buttons, "near", lambda found, kind: resources.near(found, kind)[:1])
    with pytest.raises(AssertionError):
        test_resources.test_both_services_of_a_pair_are_buttons(Severity.HIGH)


def test_unchecked_lines_without_a_label_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(resources.Resource, "checked", property(lambda self: True))
    with pytest.raises(AssertionError):
        test_resources.test_a_line_that_nobody_checked_is_labelled_wherever_it_is_a_button()


def test_refused_lines_that_are_shown_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(resources.Resource, "offered", property(lambda self: True))
    with pytest.raises(AssertionError):
        test_resources.test_refused_lines_are_gone_everywhere_and_the_emergency_number_stays()


@pytest.mark.parametrize("rule", list(BAD))
def test_a_review_rule_switched_off_is_caught(rule: str, monkeypatch: Patch) -> None:
    rules = tuple(one for one in review.load_rules() if one.id != rule)
    monkeypatch.setattr(review, "load_rules", lambda: rules)
    assert any(review_sentence(line, ReviewContext()).rule != rule for line in BAD[rule])


@pytest.mark.parametrize("rule", ["methods", "encouragement", "dependency"])
def test_a_review_without_its_classes_is_caught(rule: str, monkeypatch: Patch) -> None:
    """Whole classes of methods, pushes and cutting off are words that stand together."""
    rules = tuple(replace(one, together=()) if one.id == rule else one for one in review.load_rules())
    monkeypatch.setattr(review, "load_rules", lambda: rules)
    assert any(review_sentence(line, ReviewContext()).rule != rule for line in BAD[rule])


def test_a_review_that_excuses_nothing_is_caught(monkeypatch: Patch) -> None:
    rules = tuple(replace(one, unless=()) for one in review.load_rules())
    monkeypatch.setattr(review, "load_rules", lambda: rules)
    assert any(not review_sentence(line, ReviewContext()).ok for line in GOOD)


def test_every_check_has_a_mutation() -> None:
    assert set(CHECKS) == {check for _, check in MUTATIONS}
