"""Spelling tricks fold to plain words, and evidence still quotes what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.normalize import Normalizer

FOLDED = [
    ("I wanna k1ll mys3lf", "i wanna kill myself"),
    ("k i l l  m y s e l f", "kill myself"),
    ("s.u.i.c.i.d.e tonight", "suicide tonight"),
    ("i w a n t t o d i e", "i want to die"),
    ("su*cide", "suicide"),
    ("ѕuісіdе", "suicide"),
    ("𝓴𝓲𝓵𝓵 𝓶𝓮", "kill me"),
    ("ｄｉｅ", "die"),
    ("k\u200bi\u200dll me", "kill me"),
    ("I’m sooooo tiredddd of liviiiing", "i'm so tired of living"),
    ("un-alive myself", "kill myself"),
    ("sewer slide thoughts", "suicide thoughts"),
    ("je veux mourir à l’aide", "je veux mourir a l'aide"),
    ("أريد أن أموت", "اريد ان اموت"),
    ("मैं मरना चाहता हूँ", "मैं मरना चाहता हूँ"),
    ("self_harm", "self harm"),
    ("🔫 to my head", " gun to my head"),
]


@pytest.mark.parametrize(("written", "folded"), FOLDED)
def test_folds(normalizer: Normalizer, written: str, folded: str) -> None:
    assert normalizer(written).text == folded


@pytest.mark.parametrize("written", ["room d13", "f(x) = x^2 + 1", "vitamins a b c d", "it costs $50!", "привет"])
def test_leaves_alone(normalizer: Normalizer, written: str) -> None:
    assert normalizer(written).text == written


@pytest.mark.parametrize(
    ("written", "needle", "quoted"),
    [
        ("pls I wanna k1ll mys3lf ok", "kill myself", "k1ll mys3lf"),
        ("so k i l l  m y s e l f then", "kill myself", "k i l l  m y s e l f"),
        ("I’m sooo tiredddd, friend", "tired", "tiredddd,"),
        ("un-alive myself 💀 now", "kill", "un-alive"),
    ],
)
def test_quotes_the_original(normalizer: Normalizer, written: str, needle: str, quoted: str) -> None:
    message = normalizer(written)
    start = message.text.index(needle)
    assert message.quote(start, start + len(needle)) == quoted


@given(st.text(max_size=300))
def test_never_raises_and_maps_every_character(written: str) -> None:
    message = _shared(written)
    assert len(message.origin) == len(message.text)
    assert list(message.origin) == sorted(message.origin)
    assert all(0 <= index < len(written) for index in message.origin)


_shared = Normalizer()
