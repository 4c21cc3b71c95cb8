"""The words in which an instrument is shown: the project's own, or those that the institution loaded.

What is loaded replaces texts only. Scores, bands and what an answer is worth stay those of the definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from psycopg.types.json import Jsonb

from core.errors import InvalidInput
from core.ids import InstitutionId
from db.access import Connection, Tx
from tools.wellness.instruments.definition import Definition, Item, Option, definition

ORDINAL = ("http://hl7.org/fhir/StructureDefinition/ordinalValue", "http://hl7.org/fhir/StructureDefinition/itemWeight")


@dataclass(frozen=True, slots=True)
class Worded:
    """A definition as it is shown at a campus."""

    definition: Definition
    official: str | None
    """Source of the loaded wording; None for the project's own."""


async def worded(tx: Tx, made: Definition) -> Worded:
    """Return the definition in the words of the acting person's campus."""
    cursor = await tx.conn.execute("select source, texts from instrument_texts where instrument = %s", (made.id,))
    row = await cursor.fetchone()
    return Worded(made, None) if row is None else Worded(_replaced(made, row[1]), row[0])


def from_questionnaire(made: Definition, resource: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Read the words of an instrument from a FHIR R4 Questionnaire; returns their source and the texts by item.

    Items are matched by their LOINC code, else by `linkId`; answers by their ordinal value, else by their order. Raises
    `InvalidInput` unless every item and every answer of the instrument is there, since half of one would mix two
    wordings.
    """
    if resource.get("resourceType") != "Questionnaire":
        raise InvalidInput("This is no FHIR Questionnaire.")
    texts: dict[str, Any] = {}
    for found in _flat(resource.get("item", [])):
        item = _match(made, found)
        if item is None or not found.get("text"):
            continue
        texts[item.id] = {"ask": str(found["text"]), "options": _labels(item, found.get("answerOption", []))}
    missing = [item.id for item in made.items if item.id not in texts]
    if missing:
        raise InvalidInput(f"The questionnaire lacks {', '.join(missing)}.")
    parts = (resource.get("title") or resource.get("name"), resource.get("publisher"), resource.get("copyright"))
    return ", ".join(str(part) for part in parts if part) or "the campus", texts


async def load_wording(owner: Connection, campus: InstitutionId, instrument: str, resource: Mapping[str, Any]) -> str:
    """Store a campus's wording, replacing an earlier one; returns its source. Raises `NotFound`, `InvalidInput`."""
    made = definition(instrument)
    if made.kind != "questionnaire":
        raise InvalidInput("Only questionnaires have an official wording.")
    source, texts = from_questionnaire(made, resource)
    await owner.execute(
        "insert into instrument_texts (institution_id, instrument, source, texts) values (%s, %s, %s, %s)"
        " on conflict (institution_id, instrument) do update set source = excluded.source, texts = excluded.texts,"
        " imported_at = now()",
        (campus, instrument, source, Jsonb(texts)),
    )
    return source


def _replaced(made: Definition, texts: Mapping[str, Any]) -> Definition:
    return replace(made, items=tuple(_item(item, texts.get(item.id)) for item in made.items))


def _item(item: Item, text: Mapping[str, Any] | None) -> Item:
    if text is None:
        return item
    labels = text["options"]
    options = tuple(Option(option.value, labels.get(str(option.value), option.label)) for option in item.options)
    return replace(item, ask=text["ask"], options=options)


def _flat(items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [found for item in items for found in (item, *_flat(item.get("item", [])))]


def _match(made: Definition, found: Mapping[str, Any]) -> Item | None:
    codes = {str(code.get("code")) for code in found.get("code", ())}
    link = str(found.get("linkId", ""))
    for item in made.items:
        if item.loinc in codes or link.strip("/") in (item.id, item.loinc):
            return item
    return None


def _labels(item: Item, offered: list[Mapping[str, Any]]) -> dict[str, str]:
    """Words by value; raises `InvalidInput` where the answers are not those of the instrument."""
    labels = {}
    for number, option in enumerate(offered):
        coding = option.get("valueCoding", {})
        ordinal = [e["valueDecimal"] for e in (*option.get("extension", ()), *coding.get("extension", ()))
                   if e.get("url") in ORDINAL and "valueDecimal" in e]  # fmt: skip
        value = int(ordinal[0]) if ordinal else item.options[min(number, len(item.options) - 1)].value
        labels[str(value)] = str(coding.get("display") or option.get("valueString") or "")
    if offered and (set(labels) != {str(option.value) for option in item.options} or not all(labels.values())):
        raise InvalidInput(f"The answers to {item.id} are not those of the instrument.")
    return labels
