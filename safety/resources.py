"""Lines, emergency numbers and finders per region, from `knowledge_base/resources/*.yaml`.

Regions are never guessed: without a known region only the international finder is shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

_FOLDER = Path(__file__).resolve().parents[1] / "knowledge_base" / "resources"
INTERNATIONAL = "international"
_SAME_REGION = {"gb": "uk"}
_EU = frozenset(
    [
        "at",
        "be",
        "bg",
        "cy",
        "cz",
        "de",
        "dk",
        "ee",
        "es",
        "fi",
        "fr",
        "gr",
        "hr",
        "hu",
        "it",
        "lt",
        "lu",
        "lv",
        "mt",
        "nl",
        "pl",
        "pt",
        "ro",
        "se",
        "si",
        "sk",
    ]
)
CHECK_AGAIN_AFTER = timedelta(days=365)


class ResourceKind(StrEnum):
    """What a resource is for."""

    CRISIS_LINE = "crisis_line"
    EMERGENCY = "emergency"
    POISON = "poison"
    FINDER = "finder"


class Audience(StrEnum):
    """For whom a line is meant beside everyone; shown only to students who said so."""

    EVERYONE = "everyone"
    VETERANS = "veterans"
    LGBTQ = "lgbtq"
    TRANS = "trans"


class Unchecked(StrEnum):
    """What becomes of a line that nobody has checked, or not for a year."""

    LABEL = "label"
    """It is shown, and every place that shows it says that it is not checked."""
    REFUSE = "refuse"
    """It is not shown. An emergency number always is: 'your local emergency number' helps nobody who is abroad."""


@dataclass(slots=True)
class LineRules:
    """What the operator set about lines, once, when the process starts."""

    unchecked: Unchecked = Unchecked.LABEL
    today: date | None = None
    """The day at the start; None: only what was never checked counts as unchecked."""

    def set(self, unchecked: str, today: date | None) -> None:
        """Take the operator's setting; raises `ValueError` for one that does not exist."""
        self.unchecked, self.today = Unchecked(unchecked), today


RULES = LineRules()


@dataclass(frozen=True, slots=True)
class Resource:
    """One line with its source and the month it was checked."""

    id: str
    region: str
    name: str
    short: str
    """The name on a button."""
    kind: ResourceKind
    call: str | None
    """The number to dial, digits and hyphens."""
    text: str | None
    """The number to text."""
    text_body: str | None
    """The word to send, where the service wants one."""
    chat: str | None
    """Address of a web chat or finder."""
    press: str | None
    """The key to press after the call is answered."""
    shown: str | None
    """How the number is written for people, if not as dialled."""
    hours: str | None
    """When it answers; None where not known."""
    audience: Audience
    languages: tuple[str, ...]
    pair: str | None
    """Services that belong together carry the same word and are always shown together."""
    source: str
    verified_on: date | None
    """When its current form was checked, the first of the month where no day is known; None: recalled, not checked."""

    @property
    def call_href(self) -> str | None:
        """`tel:` link, or None where the service takes no calls."""
        return None if self.call is None else "tel:" + re.sub(r"[^0-9+]", "", self.call)

    @property
    def text_href(self) -> str | None:
        """`sms:` link (RFC 5724) with the word to send, or None where the service takes no texts."""
        if self.text is None:
            return None
        body = f"?body={quote(self.text_body)}" if self.text_body else ""
        return "sms:" + re.sub(r"[^0-9+]", "", self.text) + body

    @property
    def checked(self) -> bool:
        """Whether somebody checked it within a year."""
        if self.verified_on is None:
            return False
        return RULES.today is None or RULES.today - self.verified_on <= CHECK_AGAIN_AFTER

    @property
    def offered(self) -> bool:
        """Whether it may be shown under the operator's rules."""
        return self.checked or self.kind is ResourceKind.EMERGENCY or RULES.unchecked is Unchecked.LABEL

    @property
    def number(self) -> str:
        """The number as people read it, or the address."""
        return self.shown or self.call or self.text or self.chat or ""


def region_of(code: str | None) -> str | None:
    """Return the region of the files for a country or `country-subdivision` code, or None if there is none."""
    if not code:
        return None
    country = re.split(r"[-_]", code.strip().lower())[0]
    country = _SAME_REGION.get(country, country)
    if country in load_resources() and country != INTERNATIONAL:
        return country
    return "eu" if country in _EU else None


def resources_for(
    region: str | None, language: str = "en", audience: Collection[Audience] = ()
) -> tuple[Resource, ...]:
    """Return what is shown to a student in a region: lines that fit first, then emergency, poison and the finder.

    Args:
        region: a country code such as `us`, `US-CA` or `gb`; None or unknown gives the international finder alone.
        language: lines that answer in it come first.
        audience: groups the student named for themselves; their lines come first, others' are left out.

    Services of a pair are returned together, as far as the operator's rules let them be shown.
    """
    known = region_of(region)
    finder = _offered(INTERNATIONAL)
    if known is None:
        return finder
    wanted = {Audience.EVERYONE, *audience}
    mine = [entry for entry in _offered(known) if entry.audience in wanted]
    pairs = {entry.pair for entry in mine if entry.pair}
    mine += [entry for entry in _offered(known) if entry.pair in pairs and entry not in mine]
    ordered = sorted(mine, key=lambda entry: _order(entry, language))
    return (*ordered, *finder)


def emergency_for(region: str | None) -> Resource | None:
    """Return the emergency number of a region, or None when the region is not known."""
    known = region_of(region)
    return None if known is None else _first(_offered(known), ResourceKind.EMERGENCY)


def poison_for(region: str | None) -> Resource | None:
    """Return the poison line of a region, or None when none is listed."""
    known = region_of(region)
    return None if known is None else _first(_offered(known), ResourceKind.POISON)


def near(resources: Sequence[Resource], kind: ResourceKind) -> list[Resource]:
    """Return the first line of a kind among those shown, with the services it is paired with."""
    first = _first(resources, kind)
    if first is None:
        return []
    pairs = [entry for entry in resources if entry is not first and entry.pair and entry.pair == first.pair]
    return [first, *pairs]


def _offered(region: str) -> tuple[Resource, ...]:
    return tuple(entry for entry in load_resources()[region] if entry.offered)


def resource_named(identifier: str) -> Resource | None:
    """Return the resource with an id, if it is still packaged."""
    everything = (entry for region in load_resources().values() for entry in region)
    return next((entry for entry in everything if entry.id == identifier), None)


@cache
def load_resources() -> Mapping[str, tuple[Resource, ...]]:
    """Read every region's file: region -> entries.

    Raises:
        ValueError: an entry without any way to reach it, or no international finder.
    """
    found = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[data["region"]] = tuple(_parse(entry, data["region"]) for entry in data["entries"])
    if not found.get(INTERNATIONAL):
        raise ValueError("resources hold no international finder")
    return found


def _parse(entry: Mapping[str, Any], region: str) -> Resource:
    if not (entry.get("call") or entry.get("text") or entry.get("chat")):
        raise ValueError(f"resource {entry['id']} cannot be reached")
    return Resource(
        id=entry["id"],
        region=region,
        name=entry["name"],
        short=entry["short"],
        kind=ResourceKind(entry["kind"]),
        call=entry.get("call"),
        text=entry.get("text"),
        text_body=entry.get("text_body"),
        chat=entry.get("chat"),
        press=entry.get("press"),
        shown=entry.get("shown"),
        hours=entry.get("hours"),
        audience=Audience(entry.get("audience", "everyone")),
        languages=tuple(entry["languages"]),
        pair=entry.get("pair"),
        source=entry["source"],
        verified_on=_checked(entry["verified_on"]),
    )


def _checked(value: str | date | None) -> date | None:
    """Read `2026-11-21` or `2026-11`; a month stands for its first day, so that an entry never seems newer than it is."""
    if value is None or isinstance(value, date):
        return value
    return date.fromisoformat(f"{value}-01")


def _order(entry: Resource, language: str) -> tuple[int, bool, bool]:
    return (
        list(ResourceKind).index(entry.kind),
        entry.audience is Audience.EVERYONE,
        language not in entry.languages,
    )


def _first(entries: Iterable[Resource], kind: ResourceKind) -> Resource | None:
    return next((entry for entry in entries if entry.kind is kind), None)
