"""What the forms offer, from `choices.yaml` and the time zones that Python knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

import yaml


@dataclass(frozen=True, slots=True)
class Choices:
    """Values and labels of the select fields."""

    regions: Mapping[str, str]
    age_bands: Mapping[str, str]
    time_zones: Mapping[str, tuple[str, ...]]
    """Continent -> zone names."""


@cache
def choices() -> Choices:
    """Read the choices once."""
    data = yaml.safe_load(Path(__file__).with_name("choices.yaml").read_text(encoding="utf-8"))
    zones: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        continent, _, place = name.partition("/")
        if place and continent not in ("Etc", "SystemV", "US", "posix", "right"):
            zones.setdefault(continent, []).append(name)
    return Choices(data["regions"], data["age_bands"], {area: tuple(names) for area, names in zones.items()})
