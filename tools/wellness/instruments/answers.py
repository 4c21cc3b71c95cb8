"""Reads what was filled in, by the definition: what fits is kept, the rest is refused by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput
from tools.wellness.instruments.definition import Definition, Item, ItemKind

Answer = int | float | bool | str | list[str]
Answers = dict[str, Answer]
LONGEST = {ItemKind.LINE: 120, ItemKind.TEXT: 4000}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_YES_NO = {"yes": True, "no": False, "true": True, "false": False, True: True, False: False}


def read_answers(made: Definition, given: Mapping[str, object]) -> Answers:
    """Return the answers that are there, in the order of the items; blank ones count as left out.

    Raises `InvalidInput` for an unknown item, an answer that does not fit, a required one that is missing, and nothing
    at all.
    """
    if unknown := sorted(set(given) - set(made.by_id)):
        raise InvalidInput(f"There is no question called {', '.join(unknown)[:80]} here.")
    answers: Answers = {}
    for item in made.items:
        value = given.get(item.id)
        if value is None or value in ("", []):
            if item.required:
                raise InvalidInput(f"'{item.ask}' needs an answer.")
            continue
        answers[item.id] = _read(item, value)
    if not answers:
        raise InvalidInput("Nothing is filled in yet.")
    return answers


def words_of(made: Definition, given: Mapping[str, object]) -> str:
    """Everything in the student's own words, to be screened before anything is checked.

    A string counts as such wherever a client put it, unless it is one of the choices of its item.
    """
    found = []
    for name, value in given.items():
        item = made.by_id.get(name)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and (item is None or item.kind.words or not _is_choice(item, entry)):
                found.append(entry.strip())
    return "\n".join(entry for entry in found if entry)


def _is_choice(item: Item, text: str) -> bool:
    if item.kind is ItemKind.TIME:
        return bool(_TIME.fullmatch(text))
    if item.kind is ItemKind.YES_NO:
        return text in _YES_NO
    return _number(text) is not None or text in {str(option.value) for option in item.options}


def _read(item: Item, value: object) -> Answer:
    match item.kind:
        case ItemKind.SCALE | ItemKind.ONE:
            return _one(item, value)
        case ItemKind.MANY:
            chosen = value if isinstance(value, list) else [value]
            return list(dict.fromkeys(str(_one(item, entry)) for entry in chosen))
        case ItemKind.NUMBER:
            return _in_range(item, value)
        case ItemKind.YES_NO:
            if not isinstance(value, str | bool) or value not in _YES_NO:
                raise InvalidInput(f"'{item.ask}' takes yes or no.")
            return _YES_NO[value]
        case ItemKind.TIME:
            if not isinstance(value, str) or not _TIME.fullmatch(value):
                raise InvalidInput(f"'{item.ask}' takes a time such as 23:30.")
            return value
    if not isinstance(value, str) or len(value) > LONGEST[item.kind]:
        raise InvalidInput(f"'{item.ask}' holds at most {LONGEST[item.kind]} characters.")
    return value.strip()


def _one(item: Item, value: Any) -> int | str:
    for option in item.options:
        if isinstance(value, int | str) and not isinstance(value, bool) and str(option.value) == str(value):
            return option.value
    raise InvalidInput(f"'{item.ask}' takes one of the answers that are offered.")


def _in_range(item: Item, value: object) -> float:
    number = _number(value)
    if number is None or item.low is None or item.high is None or not item.low <= number <= item.high:
        raise InvalidInput(f"'{item.ask}' takes a number from {item.low} to {item.high}.")
    return int(number) if number == int(number) else round(number, 2)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None
