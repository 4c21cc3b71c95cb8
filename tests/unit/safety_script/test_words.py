"""The script's words: complete in each language, in the house voice, and read carefully when typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from safety.triage.flow import load_flow
from safety.triage.step import Choice
from safety.triage.words import LANGUAGES, words_for
from safety.types import Category
from tests.unit.safety_script.walks import unclear

READ_ONLY = ("answers", "countries", "clarify_cues", "language", "version")
SPOKEN = ("intro", "urgent", "emergency", "sharing", "minor_limits", "items", "say", "notices", "rehearsal")


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping):
            yield from leaves(value, here)
        elif not isinstance(value, list):
            assert isinstance(value, str), f"{here} is {value!r}: YAML reads a bare yes or no as a boolean"
            yield here, value


def spoken(language: str) -> dict[str, str]:
    tree = words_for(language).tree
    return dict(leaves({name: tree[name] for name in SPOKEN}))


def test_every_language_has_every_text_with_the_same_places() -> None:
    def shape(language: str) -> dict[str, list[str]]:
        tree = {name: value for name, value in words_for(language).tree.items() if name not in READ_ONLY}
        return {path: sorted(set(re.findall(r"{(\w+)}", text))) for path, text in leaves(tree)}

    for language in LANGUAGES:
        assert shape(language) == shape("en"), language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_words_for_every_answer(language: str) -> None:
    words = words_for(language)
    for item in load_flow().items.values():
        labels = [words.choice(item.id, value).label for value in item.choices]
        assert len(set(labels)) == len(labels), item.id
        for outcome in item.choices.values():
            assert outcome.say is None or words.has(f"say.{outcome.say}") or words.has(outcome.say), outcome.say


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_short_enough_for_a_phone(language: str) -> None:
    words = words_for(language)
    labels = [words.choice(item.id, value).label for item in load_flow().items.values() for value in item.choices]
    assert [label for label in labels if len(label) > 34] == []


NEVER = re.compile(
    r"!|\byou should\b|\bat least\b|\bcalm down\b|everything happens|i understand exactly|i'm glad|i want\b|i'm with you|"
    r"\bi feel\b|\bi care\b|\bi love\b|always here for you|think of your family|won't tell anyone|our secret|"
    r"\bdeber[ií]as\b|\bal menos\b|c[aá]lmate|me alegr|te quiero|estoy contigo|siempre estar[eé]|piensa en tu familia|¡",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_what_the_voice_never_says(language: str) -> None:
    assert {path: text for path, text in spoken(language).items() if NEVER.search(text)} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_short(language: str) -> None:
    for path, text in spoken(language).items():
        sentences = [part for part in re.split(r"(?<=[.?!])\s+", text) if part]
        assert len(sentences) <= 6, path
        assert max(len(sentence.split()) for sentence in sentences) <= 34, path


def test_the_english_reads_easily() -> None:
    """Automated readability index (Smith & Senter 1967), school grade: the voice asks for six to eight."""
    body = " ".join(spoken("en").values())
    words = re.findall(r"[\w'’-]+", body)
    sentences = re.findall(r"[.?!:]+(?=\s|$)", body)
    letters = sum(len(word) for word in words)
    assert 4.71 * letters / len(words) + 0.5 * len(words) / len(sentences) - 21.43 <= 6.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_question_asks_two_things_of_the_screener(language: str) -> None:
    for item in ("wish", "thoughts", "method", "intent", "plan", "behaviour"):
        assert words_for(language).text(f"items.{item}.ask").count("?") == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("Yes.", "yes"), ("yeah i do", "yes"), ("i am", "yes"), ("no", "no"), ("No, I’m not", "no"),
        ("i don't", "no"), ("i do not", "no"), ("not at all", "no"), ("no i want to die", None), ("no i do", None),
        ("no one cares", None), ("not really", "unsure"), ("idk", "unsure"), ("i guess", "unsure"), ("not right now", "unsure"),
        ("yes but only at night when i'm alone", None), ("nvm", "never_mind"), ("just kidding lol", "never_mind"),
        ("stop asking me", "stop"), ("i want it to stop", None), ("rather not say", "refused"), ("skip", "refused"),
        ("yes, stop asking", "yes"), ("yes but dont ask me how", "yes"), ("no please stop asking", "no"),
        ("no he wont leave me alone", None), ("they told me to stop asking", None), ("he said leave me alone", None),
        ("can you please stop asking me", "stop"), ("no more questions", "stop"), ("leave me alone", "stop"),
        ("i already took them", "done_something"), ("can i talk to a person", "want_person"), ("", None), ("🙂", None),
    ],
)  # fmt: skip
def test_typed_answers_are_read_with_care(text: str, value: str | None) -> None:
    assert words_for("en").read(text, (), phrases=True) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sí", "yes"), ("si", "yes"), ("no", "no"), ("no lo he hecho", "no"), ("no sé", "unsure"), ("no quiero vivir", None),
        ("sí, deja de preguntar", "yes"), ("no, ya basta", "no"), ("él no deja de preguntar", None),
        ("por favor no preguntes más", "stop"), ("ya basta", "stop"), ("no preguntes más", "stop"),
        ("da igual", "never_mind"), ("ya me las tomé", "done_something"), ("quiero hablar con una persona", "want_person"),
    ],
)  # fmt: skip
def test_typed_answers_are_read_in_spanish(text: str, value: str | None) -> None:
    assert words_for("es").read(text, (), phrases=True) == value


def test_outside_triage_only_taps_are_read() -> None:
    words = words_for("en")
    assert words.read("i already did it", (), phrases=False) is None
    assert words.read("want_person", (), phrases=False) == "want_person"


def test_a_label_inside_a_short_reply_is_read_unless_something_is_negated() -> None:
    choices = (Choice("no", "Leaving school"), Choice("yes", "Dying"))
    words = words_for("en")
    assert words.read("i mean leaving school lol", choices, phrases=True) == "no"
    assert words.read("not leaving school", choices, phrases=True) is None
    assert words.read("leaving school by dying", choices, phrases=True) is None


@pytest.mark.parametrize(
    ("text", "region"), [("im in germany", "eu"), ("The UK", "uk"), ("brazil", "other"), ("at home", None)]
)
def test_countries_are_read_from_names(text: str, region: str | None) -> None:
    assert words_for("en").country(text) == region


def test_the_clarifying_question_fits_the_words() -> None:
    words = words_for("en")
    assert words.clarify_item(unclear("not coming back after break")) == "cl_leaving"
    assert words.clarify_item(unclear("can't do this anymore")) == "cl_dying"
    assert words.clarify_item(unclear("hurt him", Category.HARM_TO_OTHERS)) == "cl_danger"


def test_a_language_without_a_script_gets_english() -> None:
    assert words_for("fr").language == "en"
    assert words_for("es-MX").language == "es"
