"""Where the student is now and how they can be called: what they said when asked, with its time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.care.dossier.answered import Answered
from tools.care.terms import MyTerms

WHERE, NUMBER, COUNTRY, NEXT_HOUR = "wt_where", "wt_callback", "el_country", "pl_place"
"""The script's questions about it."""
DIALLED = re.compile(r"\+?\d(?:[\s().\-/]*\d){6,14}")
"""A number to call inside what somebody wrote: seven to fifteen digits."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """How to call the student."""

    words: str
    """As they wrote it; it may be no number."""
    dial: str | None
    """For a `tel:` link; None when the words hold no number."""
    asked_at: datetime | None
    """When they said it now; None: from their crisis terms."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the student says they are."""

    words: str
    """Empty where they only named a country, or where they mean to be."""
    at: datetime | None
    country: str | None
    """Named now because it is not the one of their settings."""
    meant_to_be: str | None
    """Where they meant to spend the next hour, from their short plan."""


def call_back(answers: Sequence[Answered], terms: MyTerms | None) -> CallBack | None:
    """Return the number the student gave when asked, else that of their crisis terms; None where there is none."""
    said = _latest(answers, NUMBER)
    if said is not None:
        return CallBack(said.label, _dial(said.label), said.at)
    if terms and terms.call_back_number:
        return CallBack(terms.call_back_number, _dial(terms.call_back_number), None)
    return None


def place(answers: Sequence[Answered]) -> Place | None:
    """Return where the student is, as far as they said; None where they said nothing about it."""
    where, country, hour = (_latest(answers, item) for item in (WHERE, COUNTRY, NEXT_HOUR))
    if not (where or country or hour):
        return None
    return Place(
        words=where.label if where else "",
        at=where.at if where else None,
        country=country.label if country else None,
        meant_to_be=hour.label if hour else None,
    )


def _latest(answers: Sequence[Answered], item: str) -> Answered | None:
    said = [answer for answer in answers if answer.item == item and answer.label and not answer.refused]
    return said[-1] if said else None


def _dial(words: str) -> str | None:
    found = DIALLED.search(words)
    return re.sub(r"[^\d+]", "", found.group()) if found else None
