"""The published protocol: what the service does in a crisis, read from the same files that make it do so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from safety.disclosure import Gate, known_laws, law_for
from safety.policy import Flag, Rung, Tier, TierPlan, Timing, decide, load_policy
from safety.triage.flow import load_flow
from safety.triage.words import DEFAULT_LANGUAGE, words_for
from safety.types import Category, Severity

_FILE = Path(__file__).parent / "data" / "protocol.yaml"


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the table: what is said, what the turn becomes, who is told."""

    what: str
    turn: str
    tier: Tier
    person: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a part of the protocol rests on."""

    what: str
    source: str


@dataclass(frozen=True, slots=True)
class RegionLaw:
    """What a region's law adds here."""

    region: str
    sources: tuple[str, ...]
    closed: tuple[Gate, ...]
    yearly_report: bool


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything the page says that is not fixed prose."""

    signals: tuple[Signal, ...]
    ladder: tuple[Rung, ...]
    """Who is called one after another in the most urgent tier but one; the last is the contracted line."""
    timing: Timing
    questions: tuple[str, ...]
    """The screener's questions as they are asked."""
    evidence: tuple[Evidence, ...]
    laws: tuple[RegionLaw, ...]
    signed_by: str | None
    versions: Mapping[str, str]


@cache
def published_protocol() -> Protocol:
    """Return the protocol in force; raises `ValueError` or `KeyError` when a row names what does not exist."""
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    policy, flow, words = load_policy(), load_flow(), words_for(DEFAULT_LANGUAGE)
    screener = [name for name in ("wish", "thoughts", "method", "intent", "plan", "behaviour") if name in flow.items]
    return Protocol(
        signals=tuple(_signal(row, data) for row in data["signals"]),
        ladder=tuple(step.rung for step in policy.tiers[Tier.PAGE_NOW].ladder),
        timing=policy.timing,
        questions=tuple(words.text(f"items.{name}.ask") for name in screener),
        evidence=tuple(Evidence(**row) for row in data["evidence"]),
        laws=tuple(_law(region) for region in known_laws() if region != "default"),
        signed_by=data["signed_by"],
        versions={
            "protocol": data["version"],
            "policy": policy.version,
            "questions": flow.version,
            "script": words.version,
        },
    )


def _signal(row: Mapping[str, Any], data: Mapping[str, Any]) -> Signal:
    unknown = set(row) - {"what", "category", "severity", "flags"}
    if unknown:
        raise ValueError(f"a row of the protocol has unknown keys: {sorted(map(str, unknown))}")
    flags = [Flag(flag) for flag in row.get("flags", ())]
    decision = decide(Category(row["category"]), Severity(row["severity"]), flags)
    plan = load_policy().tiers[decision.tier]
    return Signal(row["what"], data["turns"][decision.turn], decision.tier, _person(plan, data["tiers"]))


def _person(plan: TierPlan, texts: Mapping[str, str]) -> str:
    minutes = plan.ack_within.total_seconds() / 60 if plan.ack_within else 0
    return texts[plan.tier].format(minutes=f"{minutes:g}", hours=f"{minutes / 60:g}")


def _law(region: str) -> RegionLaw:
    law = law_for(region)
    own = tuple(source for source in law.sources if source not in law_for().sources)
    return RegionLaw(region.upper(), own, tuple(law.gates), law.yearly_report)
