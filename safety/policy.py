"""The tier table: which signal makes which turn, who is told, and how fast.

Leaving the model and paging somebody are different decisions; both are cells of `data/policy.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from safety.types import Category, Severity

_FILE = Path(__file__).parent / "data" / "policy.toml"


class Tier(StrEnum):
    """How fast a person is told, from nobody to everybody on duty."""

    NONE = "none"
    """Nobody is told: a survivor who has not chosen, a friend who is in no present danger."""
    DIGEST = "digest"
    SAME_DAY = "same_day"
    PAGE_NOW = "page_now"
    PAGE_ALL = "page_all"

    @property
    def rank(self) -> int:
        """0 (nobody) to 4 (all channels, supervisor too)."""
        return _TIER_RANKS[self]

    @property
    def pages(self) -> bool:
        """Whether a person is called rather than left to find it in the queue."""
        return self in (Tier.PAGE_NOW, Tier.PAGE_ALL)


_TIER_RANKS = {tier: rank for rank, tier in enumerate(Tier)}


class TurnKind(StrEnum):
    """What the turn becomes."""

    ORDINARY = "ordinary"
    CHECK_IN = "check_in"
    """A gentle question in the ordinary conversation."""
    CLARIFY = "clarify"
    SCREENER = "screener"
    """The screener's questions, without a case until an answer opens one."""
    SCRIPT = "script"
    EMERGENCY = "emergency"
    """The emergency script first."""


class Signal(StrEnum):
    """What is found in a student's data rather than in their words. None of them pages by itself."""

    PHQ9_ITEM9 = "phq9_item9"
    """The ninth item of a PHQ-9, thoughts of being better off dead or of self-harm, above zero."""
    MOOD_LOW_SUSTAINED = "mood_low_sustained"
    MOOD_DROP = "mood_drop"
    """The mood fell by several points within a day."""
    SLEEP_POOR = "sleep_poor"
    STRESS_HIGH = "stress_high"
    """A week full of work, by the figures of the courses."""
    DIARY_URGE = "diary_urge"
    """A diary card names thoughts of dying, or a strong urge to hurt oneself."""


class Flag(StrEnum):
    """Facts beside category and severity that change the tier."""

    STUDENT_ASKS = "student_asks"
    ATTEMPT_UNDERWAY = "attempt_underway"
    MEANS_AT_HAND = "means_at_hand"
    INJURED = "injured"
    UNRESPONSIVE = "unresponsive"
    TARGET_MEANS_OR_TIME = "target_means_or_time"
    DANGER_NOW = "danger_now"


class Rung(StrEnum):
    """A step of the ladder. The last is a staffed line that the institution contracts, never police or parents."""

    QUEUE = "queue"
    ON_CALL = "on_call"
    BACKUP = "backup"
    SUPERVISOR = "supervisor"
    LINE_24_7 = "line_24_7"


@dataclass(frozen=True, slots=True)
class LadderStep:
    """Who is told after how long without an acknowledgement."""

    rung: Rung
    after: timedelta


@dataclass(frozen=True, slots=True)
class TierPlan:
    """What a tier means for delivery."""

    tier: Tier
    ack_within: timedelta | None
    """Until when a person must have acknowledged; None where nobody is told."""
    channels: tuple[str, ...]
    told: tuple[str, ...]
    """Roles that see the conversation, as the sharing notice names them."""
    ladder: tuple[LadderStep, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """The protocol's waits."""

    nudge: timedelta
    unresponsive: timedelta
    lower_nudge: timedelta
    lower_check_in: timedelta
    person_silent: timedelta
    give_up: timedelta
    """Unopened for so long, the wait is over: the script says that nobody has come. So long a call that pages runs."""
    follow_ups: tuple[timedelta, ...]
    caring: tuple[timedelta, ...]
    """When caring notes go out after a counselor chose to send them."""
    check_in: timedelta
    tomorrow_hour: int
    refusal_holds: timedelta
    """For so long after 'I won't keep asking' no question is asked, whatever is said."""
    help_holds: timedelta
    """For so long after 'help is with me' the student is taken not to be alone."""


@dataclass(frozen=True, slots=True)
class LowMood:
    """From when moods count as low for a while."""

    at_most: int
    """Score from 1 (very low) to 10."""
    entries: int
    """So many in a row, the newest included."""
    within: timedelta

    def holds(self, newest: Sequence[int]) -> bool:
        """Whether the scores, newest first and none older than `within`, are low for a while."""
        return len(newest) >= self.entries and all(score <= self.at_most for score in newest[: self.entries])


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell: it matches from a severity upward, when all of its flags are present."""

    category: Category | None
    """None stands for any category."""
    severity: Severity
    flags: frozenset[Flag]
    turn: TurnKind
    tier: Tier

    def matches(self, category: Category, severity: Severity, flags: frozenset[Flag]) -> bool:
        """Whether this cell speaks about the signal."""
        return (
            self.category in (None, category)
            and severity.rank >= self.severity.rank
            and self.flags <= flags
            and category is not Category.NONE
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole table."""

    version: str
    rules: tuple[Rule, ...]
    tiers: Mapping[Tier, TierPlan]
    signals: Mapping[str, TurnKind]
    low_mood: LowMood
    timing: Timing


@dataclass(frozen=True, slots=True)
class Decision:
    """What the table says about one signal."""

    turn: TurnKind
    tier: Tier


def decide(
    category: Category, severity: Severity, flags: Iterable[Flag] = (), policy: Policy | None = None
) -> Decision:
    """Return the turn and the tier of a signal: the most urgent of all cells that match.

    A signal that no cell knows is treated as worst: the script runs and a person is paged.
    """
    table = policy or load_policy()
    if category is Category.NONE:
        return Decision(TurnKind.ORDINARY, Tier.NONE)
    found = [rule for rule in table.rules if rule.matches(category, severity, frozenset(flags))]
    if not found:
        return Decision(TurnKind.ORDINARY, Tier.NONE) if severity is Severity.NONE else _UNKNOWN
    turns = list(TurnKind)
    return Decision(
        turn=max((rule.turn for rule in found), key=turns.index),
        tier=max((rule.tier for rule in found), key=lambda tier: tier.rank),
    )


_UNKNOWN = Decision(TurnKind.SCRIPT, Tier.PAGE_NOW)


def tier_for(category: Category, severity: Severity, flags: Iterable[Flag] = ()) -> Tier:
    """Return how fast a person is told about a signal."""
    return decide(category, severity, flags).tier


def signal_turn(name: str) -> TurnKind:
    """Return what a signal from the student's data makes of the next turn; an unknown name asks the screener."""
    return load_policy().signals.get(name, TurnKind.SCREENER)


@cache
def load_policy() -> Policy:
    """Read the packaged table.

    Raises:
        ValueError: a rung, tier, turn or severity that does not exist, or a tier without a plan.
    """
    return parse_policy(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def parse_policy(data: Mapping[str, Any]) -> Policy:
    """Build the table from its TOML form."""
    tiers = {Tier(name): _tier(Tier(name), plan) for name, plan in data["tiers"].items()}
    missing = set(Tier) - set(tiers)
    if missing:
        raise ValueError(f"tiers without a plan: {sorted(missing)}")
    return Policy(
        version=data["version"],
        rules=tuple(_rule(rule) for rule in data["rules"]),
        tiers=tiers,
        signals={name: TurnKind(turn) for name, turn in data["signals"].items()},
        low_mood=_low_mood(data["low_mood"]),
        timing=_timing(data["timing"]),
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        category=None if rule["category"] == "any" else Category(rule["category"]),
        severity=Severity(rule["severity"]),
        flags=frozenset(Flag(flag) for flag in rule.get("flags", ())),
        turn=TurnKind(rule["turn"]),
        tier=Tier(rule["tier"]),
    )


def _tier(tier: Tier, plan: Mapping[str, Any]) -> TierPlan:
    minutes = plan.get("ack_minutes")
    return TierPlan(
        tier=tier,
        ack_within=None if minutes is None else timedelta(minutes=minutes),
        channels=tuple(plan["channels"]),
        told=tuple(plan["told"]),
        ladder=tuple(
            LadderStep(Rung(step["rung"]), timedelta(minutes=step["after_minutes"])) for step in plan.get("ladder", ())
        ),
    )


def _low_mood(data: Mapping[str, Any]) -> LowMood:
    return LowMood(data["at_most"], data["entries"], timedelta(days=data["within_days"]))


def _timing(data: Mapping[str, Any]) -> Timing:
    def minutes(name: str) -> timedelta:
        return timedelta(minutes=data[f"{name}_minutes"])

    return Timing(
        nudge=minutes("nudge"),
        unresponsive=minutes("unresponsive"),
        lower_nudge=minutes("lower_nudge"),
        lower_check_in=minutes("lower_check_in"),
        person_silent=minutes("person_silent"),
        give_up=minutes("give_up"),
        follow_ups=tuple(timedelta(hours=hours) for hours in data["follow_up_hours"]),
        caring=tuple(timedelta(days=days) for days in data["caring_days"]),
        check_in=timedelta(hours=data["check_in_hours"]),
        tomorrow_hour=data["tomorrow_hour"],
        refusal_holds=timedelta(hours=data["refusal_holds_hours"]),
        help_holds=minutes("help_holds"),
    )
