"""The questions of the protocol and what each answer does, read from `data/scripts/flow.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from safety.policy import Flag
from safety.triage.state import TriageState, TriageStep
from safety.types import Category, Severity

_FILE = Path(__file__).resolve().parents[1] / "data" / "scripts" / "flow.yaml"

JUMPS = frozenset(
    {
        "@then", "@settle", "@emergency", "@safe", "@guarded", "@first",
        "@resume", "@wait", "@open", "@back", "@plan", "@well", "@unsaid",
    }
)  # fmt: skip
"""Where an answer may lead beside another item."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one answer does."""

    severity: Severity
    """The severity is raised to at least this."""
    flags: frozenset[Flag]
    next: str | None
    """An item or a jump; None: the item's own."""
    switch: Category | None
    """The matter turns out to be another one."""
    say: str | None
    """Key of a text said before the next question."""
    worse: bool
    """It is worse than when people were last told: a new episode begins."""

    @property
    def raises(self) -> bool:
        """Whether the answer says something that people may have to know."""
        return bool(self.severity.rank or self.flags or self.switch)


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    id: str
    step: TriageStep
    next: str | None
    free: bool
    """The answer is the student's own words."""
    risk: str
    """The answer that worries, where the item is a yes-or-no question."""
    record: bool
    """Whether the answer is stored with the case; not so for facts about a friend."""
    choices: Mapping[str, Outcome]

    def outcome(self, value: str) -> tuple[Outcome, str]:
        """Return what an answer does and where it leads.

        Raises:
            KeyError: the value is not among the choices.
        """
        found = self.choices[value]
        where = found.next or self.next
        if where is None:
            raise KeyError(f"{self.id}: {value} leads nowhere")
        return found, where


@dataclass(frozen=True, slots=True)
class Track:
    """The order of questions for a category."""

    first: str
    then: str


@dataclass(frozen=True, slots=True)
class Flow:
    """All items and tracks."""

    version: str
    tracks: Mapping[Category, Track]
    items: Mapping[str, Item]
    transitions: Mapping[TriageStep, frozenset[TriageStep | None]]
    """Every step that may follow a step; None is the end of the script."""


@cache
def load_flow() -> Flow:
    """Read the packaged questions.

    Raises:
        ValueError: a question that leads to no question.
    """
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    items = {name: _item(name, item) for name, item in data["items"].items()}
    tracks = {Category(name): Track(track["first"], track["then"]) for name, track in data["tracks"].items()}
    targets = {track.first for track in tracks.values()}
    targets |= {where for item in items.values() for outcome in item.choices.values() if (where := outcome.next)}
    targets |= {item.next for item in items.values() if item.next}
    unknown = targets - set(items) - JUMPS
    if unknown:
        raise ValueError(f"the flow leads to unknown places: {sorted(unknown)}")
    transitions = {
        TriageStep(step): frozenset(None if name == "ordinary" else TriageStep(name) for name in following)
        for step, following in data["transitions"].items()
    }
    return Flow(version=data["version"], tracks=tracks, items=items, transitions=transitions)


def read_state(data: Mapping[str, Any]) -> TriageState:
    """Read a stored state, and refuse one whose question this version does not know: it could not be gone on with.

    Raises:
        KeyError, ValueError, TypeError: the form, or a question in it, is that of another version.
    """
    state = TriageState.from_dict(data)
    unknown = {state.item, state.resume} - {None, *load_flow().items}
    if unknown:
        raise ValueError(f"no such question: {sorted(map(str, unknown))}")
    return state


def _item(name: str, data: Mapping[str, Any]) -> Item:
    return Item(
        id=name,
        step=TriageStep(data["step"]),
        next=data.get("next"),
        free=data.get("free", False),
        risk=data.get("risk", "yes"),
        record=data.get("record", True),
        choices={value: _outcome(outcome) for value, outcome in data["choices"].items()},
    )


def _outcome(data: Mapping[str, Any]) -> Outcome:
    return Outcome(
        severity=Severity(data.get("severity", "none")),
        flags=frozenset(Flag(flag) for flag in data.get("flags", ())),
        next=data.get("next"),
        switch=Category(data["switch"]) if "switch" in data else None,
        say=data.get("say"),
        worse=data.get("worse", False),
    )
