"""Masking: what could tell who wrote a message is out, what it says stays, and masking twice changes nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.care.examples.masking import mask

KNOWN = [
    "Maya",
    "Hillside University",
    "hillside",
    "Rosa Delgado",
    "Priya, my roommate",
    "Dr. Okafor, campus counseling",
]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail me at maya.k+x@campus.edu", "mail me at [email]"),
        ("see https://example.org/p?q=1 or www.example.org", "see [link] or [link]"),
        ("it's @dave_99 on there", "it's [handle] on there"),
        ("call +1 (555) 010-0199 or 555.010.0199", "call [number] or [number]"),
        ("room B214, id 00817-33, at 14:30, 2am", "room [number], id [number], at [number]"),
        ("took 30 of them", "took [number] of them"),
        ("on 2026-11-03 or 11/3 or Nov 3rd, 2026", "on [date] or [date] or [date]"),
        ("on the 5th of June, on friday and Fridays", "on the [date], on [date] and [date]"),
        ("before Christmas, may 5, not in may", "before [date], not in may"),
        ("my roommate priya and jessica know", "my roommate [name] and [name] know"),
        ("i told Kwabena and my brother Tuan", "i told [name] and my brother [name]"),
        ("Professor Lindqvist and mr smith said no", "Professor [name] and mr [name] said no"),
        ("my name is thuy", "my name is [name]"),
        ("Jean-Luc's mom, Sarah", "[name]'s mom, [name]"),
        ("at hillside, in Denver, in texas, in Aspen Hall", "at [name], in [place], in [place], in [place] Hall"),
        ("off the Golden Gate bridge", "off the [place] bridge"),
        ("near Lincoln Park and the Starbucks", "near [place] Park and the [name]"),
        ("rosa delgado and MAYA were there", "[name] and [name] were there"),
    ],
)
def test_what_could_tell_who_wrote_it_is_masked(text: str, masked: str) -> None:
    assert mask(text, KNOWN).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "i want to kill myself tonight and the pills are right here",
        "this exam killed me, i'm so dead lol",
        "Hope is gone. Will you help? May I ask. mark my words, i will jump",
        "God I can't do calc or AP Chem anymore",
        "I WANT TO DIE AND NOBODY CARES",
        "my friend said she is fine, my mom doesn't know",
        "i can't stay in this house, i keep looking at the bridge",
        "no quiero vivir más, mi mamá no sabe",
    ],
)
def test_what_a_message_says_stays(text: str) -> None:
    assert mask(text, KNOWN).text == text


@pytest.mark.parametrize("text", ["我不想活了，小明知道", "मैं मरना चाहता हूँ", "أريد أن أموت"])
def test_where_names_cannot_be_seen_it_says_so(text: str) -> None:
    assert mask(text).unsure


def test_a_script_with_capitals_is_sure() -> None:
    assert not mask("I told nobody. Élodie knows").unsure
    assert mask("when Élodie and Şule left").text == "when [name] and [name] left"


WORDS = st.lists(
    st.sampled_from(
        ["Maya", "priya", "at", "Denver", "i", "want", "to", "die", "Hall", "Nov", "3", "5th", "@x", "a@b.example", "May",
         "will", "Will", "Dr.", "mr", "roommate", "Tuan", "[name]", "[place]", "555-010-0199", "B214", "bridge", "GOD", ".",
         ",", "O'Neil", "Aspen", "hillside", "New York", "2026-11-03", "https://x.example", "我"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@given(WORDS | st.text(max_size=60))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask(text, KNOWN).text
    assert mask(once, KNOWN).text == once


@given(WORDS)
def test_no_digit_no_address_and_no_known_name_is_left(text: str) -> None:
    masked = mask(text, KNOWN).text
    assert not re.search(r"\d|@", masked)
    assert not re.search(r"\b(maya|priya|hillside|rosa|okafor)\b", masked, re.IGNORECASE)
