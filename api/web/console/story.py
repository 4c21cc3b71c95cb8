"""What happened in a case, one sentence a fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.web import times
from api.web.console.words import word
from tools.care.dossier.history import Happened


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story."""

    at: datetime
    what: str
    by: str
    """A colleague's name; empty for the service itself and the student."""
    words: str


def story(entry: Happened, zone: str, now: datetime) -> Told:
    """Tell one fact in words."""
    more = _MORE.get(entry.kind)
    said = more(entry, zone, now) if more else ""
    what = f"{word('history', entry.kind)}{said}"
    return Told(entry.at, what, entry.by if entry.by and entry.by != "student" else "", entry.words or "")


def _graded(entry: Happened, *_: Any) -> str:
    category, severity = str(entry.facts.get("category", "")), str(entry.facts.get("severity", ""))
    return f": {word('categories', category)}, {word('severities', severity).lower()}"


def _called(entry: Happened, *_: Any) -> str:
    reason = word("reasons", str(entry.facts.get("reason", "")))
    return f" ({word('tiers', str(entry.facts.get('tier', ''))).lower()}) {reason}"


def _regraded(entry: Happened, *_: Any) -> str:
    before, now = (word("severities", str(entry.facts.get(name, ""))).lower() for name in ("from", "to"))
    return f": {before} to {now}"


def _due(entry: Happened, zone: str, now: datetime) -> str:
    due = entry.facts.get("due")
    return f" for {times.ahead(datetime.fromisoformat(due), zone, now)}" if due else ""


def _outside(entry: Happened, *_: Any) -> str:
    told = [word("outside", str(whom)).lower() for whom in entry.facts.get("told", ())]
    return f": {', '.join(told)}"


_MORE: dict[str, Callable[[Happened, str, datetime], str]] = {
    "opened": _graded,
    "raised": _graded,
    "called": _called,
    "climbed": lambda entry, *_: f": {word('rungs', str(entry.facts.get('rung', '')))}",
    "regraded": _regraded,
    "offered": lambda entry, *_: f" {entry.about}" if entry.about else "",
    "taken_over": lambda entry, *_: f" {entry.about}" if entry.about else "",
    "follow_up_planned": _due,
    "disclosed": _outside,
    "closed": lambda entry, *_: f": {word('outcomes', str(entry.facts.get('outcome', ''))).lower()}",
}
