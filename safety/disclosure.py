"""What the student is told about the software itself, and what a region's law turns on or off.

The notices are shown at the start and then after hours of use, not hours of clock: a break of an hour starts a new session.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from safety.triage.words import words_for

_FILE = Path(__file__).parent / "data" / "law.toml"
SESSION_GAP = timedelta(hours=1)


class Gate(StrEnum):
    """Features that a region's law may close."""

    GUIDED_THERAPY_EXERCISES = "guided_therapy_exercises"
    THERAPY_CLAIMS = "therapy_claims"


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

    region: str
    ai_notice_at_start: bool
    ai_notice_every: timedelta
    minor_break_every: timedelta
    minor_rule: str
    """Key of the text that tells a minor the limits of privacy."""
    not_for_some_minors: bool
    publish_protocol: bool
    yearly_report: bool
    gates: frozenset[Gate]
    sources: tuple[str, ...]

    def allows(self, gate: Gate) -> bool:
        """Whether a feature may be offered here."""
        return gate not in self.gates


@dataclass(frozen=True, slots=True)
class UseFacts:
    """Stored facts about the student's present session."""

    started_at: datetime | None
    """First message of the present session; None before it."""
    last_at: datetime | None
    """Last message of the student."""
    notified_at: datetime | None
    """When a notice about the software was last shown."""
    minor: bool = False


def due_notices(use: UseFacts, region: str | None, now: datetime) -> tuple[Notice, ...]:
    """Return the notices to show with the next reply, in order; none is ever skipped because another was shown."""
    law = law_for(region)
    new_session = use.started_at is None or use.last_at is None or now - use.last_at >= SESSION_GAP
    if new_session or use.notified_at is None:
        start = [Notice.AI_AT_START] if law.ai_notice_at_start else []
        if use.minor and law.not_for_some_minors:
            start.append(Notice.NOT_FOR_SOME_MINORS)
        return tuple(start)
    due = []
    since = now - use.notified_at
    if since >= law.ai_notice_every:
        due.append(Notice.AI_REMINDER)
    if use.minor and since >= law.minor_break_every:
        due.append(Notice.MINOR_BREAK)
    return tuple(due)


def notice_text(notice: Notice, language: str = "en") -> str:
    """Return the text of a notice."""
    return words_for(language).text(f"notices.{notice.value}")


def minor_rule(region: str | None) -> str:
    """Return the key of the text on a minor's limits of privacy in a region."""
    return law_for(region).minor_rule


def law_for(region: str | None) -> Law:
    """Return a region's rules: the subdivision's, over the country's, over the default."""
    code = (region or "").strip().lower().replace("_", "-")
    country = code.split("-")[0]
    laws = _load()
    merged: dict[str, Any] = {}
    for name in ("default", country, code):
        merged |= laws.get(name, {})
    return Law(
        region=code or "default",
        ai_notice_at_start=merged["ai_notice_at_start"],
        ai_notice_every=timedelta(hours=merged["ai_notice_every_hours"]),
        minor_break_every=timedelta(hours=merged["minor_break_every_hours"]),
        minor_rule=merged["minor_rule"],
        not_for_some_minors=merged["not_for_some_minors"],
        publish_protocol=merged["publish_protocol"],
        yearly_report=merged["yearly_report"],
        gates=frozenset(Gate(gate) for gate in merged["gates"]),
        sources=tuple(merged["sources"]),
    )


@cache
def _load() -> Mapping[str, Mapping[str, Any]]:
    regions: Mapping[str, Mapping[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["regions"]
    return regions
