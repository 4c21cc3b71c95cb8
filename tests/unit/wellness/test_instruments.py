"""Definitions, answers and totals against the published rules."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
import yaml

from core.errors import InvalidInput
from core.ids import new_id
from safety.policy import Signal, TurnKind, signal_turn
from safety.review import ReviewContext, review_text
from safety.review_rules import TextKind
from tests.mutation import seed
from tools.wellness.instruments import answers, explain, scoring
from tools.wellness.instruments.answers import read_answers, words_of
from tools.wellness.instruments.definition import FOLDER, Definition, definition, definitions, parse_definition
from tools.wellness.instruments.entries import Entry
from tools.wellness.instruments.explain import readable, summarise
from tools.wellness.instruments.scoring import Score, is_poor, score, watched
from tools.wellness.instruments.wording import from_questionnaire

ALL = tuple(definitions())
DIAGNOSES = ("depress", "anxiety disorder", "bipolar", "you have", "you are suffering", "disorder")


def filled(name: str, value: int, **other: Any) -> dict[str, Any]:
    """Every scored item with the same answer."""
    made = definition(name)
    assert made.scoring is not None
    return dict.fromkeys(made.scoring.items, value) | other


def entry(name: str, given: dict[str, Any], day: date = date(2026, 11, 20)) -> Entry:
    made = definition(name)
    read = read_answers(made, given)
    return Entry(new_id(), name, made.version, day, datetime(2026, 11, 20, tzinfo=UTC), read, score(made, read))


def test_everything_that_was_promised_is_there() -> None:
    assert {"phq2", "phq9", "gad2", "gad7", "who5", "baseline", "sleep", "symptoms", "episodes", "dbt_diary",
            "medications", "routines"} == set(ALL)  # fmt: skip
    assert all((made.source and made.about and made.reminder) or made.kind == "log" for made in definitions().values())


@pytest.mark.parametrize(
    ("name", "items", "top", "bands"),
    [
        ("phq9", 9, 27, {0: "minimal", 4: "minimal", 5: "mild", 9: "mild", 10: "moderate", 14: "moderate",
                         15: "moderately_severe", 19: "moderately_severe", 20: "severe", 27: "severe"}),
        ("gad7", 7, 21, {0: "minimal", 4: "minimal", 5: "mild", 9: "mild", 10: "moderate", 14: "moderate",
                         15: "severe", 21: "severe"}),
        ("phq2", 2, 6, {0: "below", 2: "below", 3: "above", 6: "above"}),
        ("gad2", 2, 6, {0: "below", 2: "below", 3: "above", 6: "above"}),
        ("who5", 5, 100, {0: "very_low", 28: "very_low", 32: "low", 48: "low", 52: "usual", 100: "usual"}),
    ],
)  # fmt: skip
def test_totals_and_bands_are_the_published_ones(name: str, items: int, top: int, bands: dict[int, str]) -> None:
    made = definition(name)
    assert made.scoring is not None and len(made.scoring.items) == items
    highest = max(int(option.value) for option in made.items[0].options)
    assert score(made, read_answers(made, filled(name, highest))) == Score(top, 0, bands[top])
    assert score(made, read_answers(made, filled(name, 0))) == Score(0, 0, bands[0])
    for total, band in bands.items():
        found = scoring.band_of(made, total)
        assert found is not None and found.id == band, total


def test_every_total_of_the_short_ones() -> None:
    for name in ("phq2", "gad2"):
        made = definition(name)
        assert made.scoring is not None
        for a, b in product(range(4), repeat=2):
            given = dict(zip(made.scoring.items, (a, b), strict=True))
            assert score(made, read_answers(made, given)) == Score(a + b, 0, "above" if a + b >= 3 else "below")


@pytest.mark.parametrize("name", ["phq9", "gad7"])
def test_up_to_two_missing_answers_count_as_the_mean_of_the_others(name: str) -> None:
    made = definition(name)
    assert made.scoring is not None
    given = filled(name, 1)
    first, second, third, *_ = made.scoring.items
    given[first] = 3
    whole = sum(given.values())
    del given[second]
    one = score(made, read_answers(made, given))
    left = whole - 1
    assert one == Score(int(left + left / (len(given)) + 0.5), 1, one.band if one else None)
    del given[third]
    two = score(made, read_answers(made, given))
    assert two is not None and two.missing == 2 and two.value is not None
    given.pop(first)
    assert score(made, read_answers(made, given)) == Score(None, 3, None)


@pytest.mark.parametrize("name", ["phq2", "gad2", "who5"])
def test_the_short_ones_allow_no_missing_answer(name: str) -> None:
    made = definition(name)
    given = filled(name, 1)
    given.pop(next(iter(given)))
    assert score(made, read_answers(made, given)) == Score(None, 1, None)


def test_item_nine_is_seen_whatever_else_is_missing() -> None:
    made = definition("phq9")
    for value in (1, 2, 3):
        watch = watched(made, read_answers(made, {"self_harm": value}))
        assert watch is not None and watch.signal == Signal.PHQ9_ITEM9
    assert watched(made, read_answers(made, filled("phq9", 3, self_harm=0))) is None
    assert watched(made, read_answers(made, {"mood": 3})) is None


def test_every_signal_of_a_definition_asks_the_screener() -> None:
    signals = {Signal(watch.signal) for made in definitions().values() for watch in made.watches}
    assert signals == {Signal.PHQ9_ITEM9, Signal.DIARY_URGE}
    assert all(signal_turn(signal) is TurnKind.SCREENER for signal in signals)


def test_a_diary_card_is_asked_about_from_its_thresholds_on() -> None:
    made = definition("dbt_diary")
    for item, below, above in (("urge_die", 1, 2), ("urge_harm", 2, 3)):
        assert watched(made, read_answers(made, {item: below})) is None
        assert watched(made, read_answers(made, {item: above})) is not None


@pytest.mark.parametrize("hours, quality, poor", [(4.75, 3, True), (5, 3, False), (8, 2, True), (8, None, False)])
def test_a_poor_night(hours: float, quality: int | None, poor: bool) -> None:
    made = definition("sleep")
    assert is_poor(made, read_answers(made, {"hours": hours, "quality": quality})) is poor


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("sleep", {"quality": 3}), ("sleep", {"hours": 25}), ("sleep", {"hours": "nan"}), ("sleep", {"hours": True}),
        ("sleep", {"hours": 7, "to_bed": "25:00"}), ("sleep", {"hours": 7, "weight": 60}), ("phq9", {"mood": 4}),
        ("phq9", {"mood": "3.5"}), ("phq9", {}), ("phq9", {"mood": ""}), ("symptoms", {"what": ["headache", "meh"]}),
        ("symptoms", {"what": "headache", "around": "x" * 4001}), ("baseline", {"outside": "perhaps"}),
        ("medications", {"name": ["a"], "event": "taken"}), ("routines", {"what": {"a": 1}}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_answers(definition(name), given)


def test_answers_are_read_from_forms_and_from_json_alike() -> None:
    made = definition("sleep")
    assert read_answers(made, {"hours": "7.5", "quality": "4", "up": "07:30", "note": " late "}) == {
        "hours": 7.5, "quality": 4, "up": "07:30", "note": "late",
    }  # fmt: skip
    assert read_answers(definition("baseline"), {"outside": "yes", "moved": False}) == {"outside": True, "moved": False}


def test_words_are_heard_wherever_a_client_puts_them() -> None:
    made = definition("episodes")
    given = {"what": "panic", "began": "23:30", "before": "the exam", "after": "i want to die", "new": "surprise",
             "helped": 2, "minutes": "20", "thoughts": ["one", "two"]}  # fmt: skip
    assert words_of(made, given).splitlines() == ["the exam", "i want to die", "surprise", "one", "two"]
    assert words_of(made, {"what": "i want to die"}) == "i want to die"
    assert words_of(definition("phq9"), filled("phq9", 3)) == ""


def test_a_result_is_explained_and_never_a_diagnosis() -> None:
    for name in ALL:
        made = definition(name)
        if made.scoring is None:
            continue
        top = max(int(option.value) for option in made.items[0].options)
        for value in range(top + 1):
            said = explain.explain(made, entry(name, filled(name, value)), None)
            assert said[0].startswith("Your total is") and any("not a diagnosis" in line for line in said)
            for line in said:
                assert not any(word in line.lower() for word in DIAGNOSES), line
                reviewed, _ = review_text(line, ReviewContext(TextKind.PASSAGE, "en"))
                assert reviewed == line


def test_a_result_says_what_was_missing() -> None:
    made, given = definition("phq9"), filled("phq9", 2)
    del given["pace"]
    said = " ".join(explain.explain(made, entry("phq9", given), None))
    assert "1 of 9 answers were left out" in said and "mean of the others" in said
    none = " ".join(explain.explain(made, entry("phq9", {"mood": 2}), None))
    assert "no total" in none and "Your total is" not in none


def test_a_change_is_weighed_by_the_published_margin() -> None:
    made, before = definition("phq9"), entry("phq9", filled("phq9", 1), date(2026, 11, 3))
    small = " ".join(explain.explain(made, entry("phq9", filled("phq9", 1, mood=3)), before))
    assert "The total was 9 on Nov 3. A change of less than 5 points is often just chance." in small
    five = filled("phq9", 1, mood=3, interest=3, sleep=2)
    large = " ".join(explain.explain(made, entry("phq9", five), before))
    assert "5 points or more is usually more than chance" in large
    same = " ".join(explain.explain(made, before, before))
    assert "the same as on Nov 3" in same


def test_a_stretch_of_entries_is_summed_up_without_words() -> None:
    made = definition("sleep")
    days = [entry("sleep", {"hours": 5 + day * 0.25, "note": "secret"}, date(2026, 11, 1 + day)) for day in range(10)]
    found = summarise(made, days[::-1], 30)
    assert found.n == 10 and "secret" not in str(found)
    hours = found.lines[0]
    assert (hours.n, hours.latest) == (10, 7.25) and hours.text.endswith("It went up over these 10 days.")
    assert summarise(made, [], 30).lines == ()
    diary = definition("dbt_diary")
    card = entry("dbt_diary", {"skills": ["stop", "give"], "joy": 3})
    assert "STOP (1)" in summarise(diary, [card], 30).lines[1].text
    assert ("Skills you tried", "STOP, Keep the relationship (GIVE)") in readable(diary, card)


def test_the_words_of_a_definition_suit_everybody() -> None:
    """No numbers of the body, no food, no streaks; nothing that a reply might not say."""
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text(encoding="utf-8").lower()
        assert not any(word in text for word in ("weight:", "calorie", "bmi", "streak", "lose weight")), path.name


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda data: data["scoring"]["items"].append("nothing"), "names items"),
        (lambda data: data["items"].append(copy.deepcopy(data["items"][0])), "twice"),
        (lambda data: data["bands"].pop(), "bands"),
        (lambda data: data["items"][0].pop("options"), "options"),
        (lambda data: data.update(by_companion=True), "only the student"),
        (lambda data: data["items"].append({"id": "n", "kind": "number", "ask": "n"}), "range"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(change: Callable[[dict[str, Any]], Any], because: str) -> None:
    data = yaml.safe_load((FOLDER / "phq9.yaml").read_text(encoding="utf-8"))
    change(data)
    with pytest.raises(ValueError, match=because):
        parse_definition(data)


def questionnaire(made: Definition) -> dict[str, Any]:
    """An official text as a campus would bring it, by LOINC codes, in another order of answers."""
    return {
        "resourceType": "Questionnaire", "title": "Official PHQ-9", "publisher": "A publisher",
        "item": [{"linkId": "group", "item": [
            {
                "linkId": f"/{item.loinc}", "code": [{"system": "http://loinc.org", "code": item.loinc}],
                "text": f"Official {item.id}",
                "answerOption": [
                    {"valueCoding": {"display": f"official {value}", "extension": [
                        {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": value}]}}
                    for value in (3, 2, 1, 0)
                ],
            }
            for item in made.items
        ]}],
    }  # fmt: skip


def test_an_official_text_is_read_by_its_codes() -> None:
    made = definition("phq9")
    source, texts = from_questionnaire(made, questionnaire(made))
    assert source == "Official PHQ-9, A publisher"
    assert texts["self_harm"]["ask"] == "Official self_harm"
    assert texts["mood"]["options"]["3"] == "official 3"


def test_half_an_official_text_is_refused() -> None:
    made = definition("phq9")
    half = questionnaire(made)
    half["item"][0]["item"].pop()
    with pytest.raises(InvalidInput, match="self_harm"):
        from_questionnaire(made, half)
    wrong = questionnaire(made)
    wrong["item"][0]["item"][0]["answerOption"].pop()
    with pytest.raises(InvalidInput, match="interest"):
        from_questionnaire(made, wrong)


def check_missing() -> None:
    test_up_to_two_missing_answers_count_as_the_mean_of_the_others("phq9")


@pytest.mark.parametrize(
    ("function", "old", "new", "check"),
    [
        (scoring.score, "missing > rules.most_missing", "missing > 9", check_missing),
        (scoring.score, "+ missing * sum(given) / len(given)", "", check_missing),
        (scoring.watched, "value > watch.above", "value > 1 + watch.above", test_item_nine_is_seen_whatever_else_is_missing),
        (answers.words_of, "item is None or item.kind.words or", "item is not None and item.kind.words and",
         test_words_are_heard_wherever_a_client_puts_them),
        (explain._compare, ">= rule.points", "> rule.points", test_a_change_is_weighed_by_the_published_margin),
    ],
)  # fmt: skip
def test_a_seeded_bug_is_noticed(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], old: str, new: str, check: Callable[[], None]
) -> None:
    seed(monkeypatch, function, old, new)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check()
