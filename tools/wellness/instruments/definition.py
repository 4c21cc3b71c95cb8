"""What an instrument or a log is: items, scales, scoring, bands, source, reminder. One file each in `definitions/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from core.errors import NotFound

FOLDER = Path(__file__).parent / "definitions"
Value = int | str


class ItemKind(StrEnum):
    """What an answer looks like."""

    SCALE = "scale"
    """One number of a few, each with its words."""
    NUMBER = "number"
    YES_NO = "yes_no"
    ONE = "one"
    MANY = "many"
    TIME = "time"
    """A time of day, `HH:MM`."""
    LINE = "line"
    TEXT = "text"

    @property
    def words(self) -> bool:
        """Whether the answer is the student's own words, which are screened like a message."""
        return self in (ItemKind.LINE, ItemKind.TEXT)

    @property
    def counts(self) -> bool:
        """Whether answers can be averaged."""
        return self in (ItemKind.SCALE, ItemKind.NUMBER)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen."""

    value: Value
    label: str


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    id: str
    ask: str
    kind: ItemKind
    options: tuple[Option, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float = 1
    unit: str = ""
    required: bool = False
    loinc: str | None = None

    def label_of(self, value: Value) -> str:
        """The words of an option; the value itself where the option is gone by now."""
        return next((option.label for option in self.options if option.value == value), str(value))


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a total is made: the sum over items, times a factor."""

    items: tuple[str, ...]
    most_missing: int
    """So many answers may be missing; each counts as the mean of the others, as the published rules say."""
    unit: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Band:
    """A range of totals, up to and including `to`."""

    id: str
    to: float
    text: str


@dataclass(frozen=True, slots=True)
class NotableChange:
    """From how many points on a change is usually more than chance."""

    points: int
    source: str


@dataclass(frozen=True, slots=True)
class Watch:
    """An answer above `above` goes to the screener by this signal of the policy."""

    item: str
    above: int
    signal: str


@dataclass(frozen=True, slots=True)
class Poor:
    """An entry counts as poor when the item is below this."""

    item: str
    below: float


@dataclass(frozen=True, slots=True)
class ReminderDefault:
    """What a reminder looks like before the student changes it; none is sent unless they ask for one."""

    every_days: int
    hour: int


@dataclass(frozen=True, slots=True)
class Definition:
    """One instrument or log."""

    id: str
    version: int
    kind: Literal["questionnaire", "log"]
    title: str
    about: str
    frame: str
    per: Literal["day", "moment"]
    """`day`: one entry a day, a later one replaces it."""
    source: str
    items: tuple[Item, ...]
    scoring: Scoring | None
    bands: tuple[Band, ...]
    notable_change: NotableChange | None
    watches: tuple[Watch, ...]
    poor: tuple[Poor, ...]
    reminder: ReminderDefault | None
    note: str
    by_companion: bool
    """Whether the companion may write an entry for the student, in the chat."""

    def item(self, name: str) -> Item:
        """Return an item; raises `KeyError`."""
        return self.by_id[name]

    @property
    def by_id(self) -> Mapping[str, Item]:
        return {item.id: item for item in self.items}


@cache
def definitions() -> dict[str, Definition]:
    """Read the packaged definitions, by id, questionnaires first; raises `ValueError` for one that contradicts itself."""
    found = [
        parse_definition(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.yaml"))
    ]
    return {entry.id: entry for entry in sorted(found, key=lambda entry: (entry.kind != "questionnaire", entry.title))}


def definition(name: str) -> Definition:
    """Return one by its id; raises `NotFound`."""
    known = definitions().get(name)
    if known is None:
        raise NotFound("There is no such log or questionnaire.")
    return known


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Build a definition from its file; raises `ValueError` when a part names what is not there."""
    items = tuple(_item(entry) for entry in data["items"])
    scoring, change, reminder = data.get("scoring"), data.get("notable_change"), data.get("reminder")
    made = Definition(
        id=data["id"],
        version=data["version"],
        kind=data["kind"],
        title=data["title"],
        about=data["about"],
        frame=data.get("frame", ""),
        per=data["per"],
        source=data["source"]["text"],
        items=items,
        scoring=Scoring(**{**scoring, "items": tuple(scoring["items"])}) if scoring else None,
        bands=tuple(Band(**band) for band in data.get("bands", ())),
        notable_change=NotableChange(**change) if change else None,
        watches=tuple(Watch(**watch) for watch in data.get("watches", ())),
        poor=tuple(Poor(**poor) for poor in data.get("poor", ())),
        reminder=ReminderDefault(**reminder) if reminder else None,
        note=data.get("note", ""),
        by_companion=data.get("by_companion", False),
    )
    _check(made)
    return made


def _item(data: Mapping[str, Any]) -> Item:
    options = tuple(Option(value, label) for value, label in data.get("options", ()))
    return Item(**{**data, "kind": ItemKind(data["kind"]), "options": options})


def _check(made: Definition) -> None:
    known = set(made.by_id)
    named = {watch.item for watch in made.watches} | {poor.item for poor in made.poor}
    named |= set(made.scoring.items) if made.scoring else set()
    if len(known) != len(made.items) or not named <= known:
        raise ValueError(f"{made.id} names items that are not there, or one twice")
    for item in made.items:
        if (item.kind in (ItemKind.SCALE, ItemKind.ONE, ItemKind.MANY)) != bool(item.options):
            raise ValueError(f"{made.id}.{item.id} and its options do not fit")
        if item.kind is ItemKind.NUMBER and (item.low is None or item.high is None):
            raise ValueError(f"{made.id}.{item.id} has no range")
    if made.scoring and made.bands and made.bands[-1].to != highest_total(made):
        raise ValueError(f"{made.id}: the bands do not end at the highest total")
    if made.by_companion and made.watches:
        raise ValueError(f"{made.id} is watched: only the student may fill it in")


def highest_total(made: Definition) -> float:
    """The highest total that answers can reach; 0 without scoring."""
    if made.scoring is None:
        return 0
    tops = (max(int(option.value) for option in made.item(name).options) for name in made.scoring.items)
    return made.scoring.times * sum(tops)
