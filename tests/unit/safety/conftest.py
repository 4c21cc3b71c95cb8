"""Screening parts, loaded once."""

from __future__ import annotations

import pytest

from safety.lexicon import Lexicon
from safety.normalize import Normalizer


@pytest.fixture(scope="session")
def normalizer() -> Normalizer:
    return Normalizer()


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon()
