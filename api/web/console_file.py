"""A case as its page shows it: the dossier in the order in which a counselor needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.web.console_view import console_words
from tools.care.dossier.answered import Answered
from tools.care.dossier.history import Told


@dataclass(frozen=True, slots=True)
class Glance:
    """One of the first things to know, with the newest answer that says it; None when nobody asked."""

    name: str
    answer: Answered | None


def glances(answers: Sequence[Answered]) -> list[Glance]:
    """The first things to know, in order."""
    named: Mapping[str, str] = console_words()["glance"]
    newest = {answer.item: answer for answer in answers}
    found = []
    for name, items in named.items():
        known = [newest[item] for item in items if item in newest]
        found.append(Glance(name, max(known, key=lambda answer: answer.at, default=None)))
    return found


def told_once(told: Sequence[Told]) -> list[Told]:
    """The newest notice of each way and rung."""
    return list({(entry.channel, entry.rung): entry for entry in told}.values())
