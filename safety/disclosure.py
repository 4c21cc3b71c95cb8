"""What the student is told about the software itself, and what a region's law turns on or off.

The notices are shown at the start and then after hours of use, not hours of clock: a break of an hour starts a new session.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from safety.triage.words import words_for

_FILE = Path(__file__).parent / "data" / "law.toml"
SESSION_GAP = timedelta(hours=1)


class Gate(StrEnum):
    """Features that a region's law may close. Claims of therapy are in no text anywhere, so they need no gate."""

    GUIDED_THERAPY_EXERCISES = "guided_therapy_exercises"
    """Leading somebody through the steps of a skill; where it is closed, the page is named and they read it themselves."""


class Notice(StrEnum):
    """What is shown to the student about the software."""

    AI_AT_START = "ai_at_start"
    AI_REMINDER = "ai_reminder"
    MINOR_BREAK = "minor_break"
    """Three hours in, to a known minor: it is software, and a break is a good idea."""
    NOT_FOR_SOME_MINORS = "not_for_some_minors"


@dataclass(frozen=True, slots=True)
class Law:
    """A region's rules, as the institution's counsel set them."""

    regions: tuple[str, ...]
    """Codes it was read from, the campus's first."""
    ai_notice_at_start: bool
    ai_notice_every: timedelta
    minor_break_every: timedelta
    minor_rule: str
    """Key of the text that tells a minor the limits of privacy."""
    not_for_some_minors: bool
    yearly_report: bool
    """Counts without persons are owed once a year: `companion yearly`."""
    gates: frozenset[Gate]
    sources: tuple[str, ...]

    def allows(self, gate: Gate) -> bool:
        """Whether a feature may be offered here."""
        return gate not in self.gates


@dataclass(frozen=True, slots=True)
class UseFacts:
    """Stored facts about the student's present session."""

    last_at: datetime | None
    """Last message of the student before this one; None before the first."""
    notified_at: datetime | None
    """When a notice about the software was last shown."""
    minor: bool = False


def due_notices(use: UseFacts, law: Law, now: datetime) -> tuple[Notice, ...]:
    """Return the notices to show with the next reply, in order; none is ever skipped because another was shown."""
    if use.notified_at is None or use.last_at is None or now - use.last_at >= SESSION_GAP:
        return start_notices(law, minor=use.minor)
    due = []
    since = now - use.notified_at
    if since >= law.ai_notice_every:
        due.append(Notice.AI_REMINDER)
    if use.minor and since >= law.minor_break_every:
        due.append(Notice.MINOR_BREAK)
    return tuple(due)


def start_notices(law: Law, *, minor: bool) -> tuple[Notice, ...]:
    """Return what is said before or with the first reply of a session."""
    start = [Notice.AI_AT_START] if law.ai_notice_at_start else []
    return (*start, *([Notice.NOT_FOR_SOME_MINORS] if minor and law.not_for_some_minors else []))


def notice_text(notice: Notice, language: str = "en") -> str:
    """Return the text of a notice."""
    return words_for(language).text(f"notices.{notice.value}")


@lru_cache(maxsize=256)
def law_for(*regions: str | None) -> Law:
    """Return the rules where the campus is and where the student is, the strictest of each.

    Args:
        regions: country or `country-subdivision` codes, the campus's first; None and unknown ones have the defaults. The text
            on a minor's privacy is that of the first region that has one of its own.
    """
    found = [_rules_of(region) for region in regions or (None,)]
    own = (rules["minor_rule"] for rules in found if rules["minor_rule"] != "default")
    return Law(
        regions=tuple(dict.fromkeys(_code(region) for region in regions if region)),
        ai_notice_at_start=any(rules["ai_notice_at_start"] for rules in found),
        ai_notice_every=timedelta(hours=min(rules["ai_notice_every_hours"] for rules in found)),
        minor_break_every=timedelta(hours=min(rules["minor_break_every_hours"] for rules in found)),
        minor_rule=next(own, "default"),
        not_for_some_minors=any(rules["not_for_some_minors"] for rules in found),
        yearly_report=any(rules["yearly_report"] for rules in found),
        gates=frozenset(Gate(gate) for rules in found for gate in rules["gates"]),
        sources=tuple(dict.fromkeys(source for rules in found for source in rules["sources"])),
    )


def _rules_of(region: str | None) -> Mapping[str, Any]:
    """The subdivision's rules over the country's over the default; sources add up."""
    code = _code(region)
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(("default", code.split("-")[0], code)):
        rules = known_laws().get(name, {})
        merged |= {**rules, "sources": [*merged.get("sources", ()), *rules.get("sources", ())]}
    return merged


def _code(region: str | None) -> str:
    return (region or "").strip().lower().replace("_", "-")


@cache
def known_laws() -> Mapping[str, Mapping[str, Any]]:
    """Every region that has rules of its own, as they are written."""
    regions: Mapping[str, Mapping[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["regions"]
    return regions
