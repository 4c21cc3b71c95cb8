"""Loads an institution's wording of a questionnaire."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import psycopg

from core.errors import InvalidInput, NotFound
from core.ids import InstitutionId
from core.settings import Settings
from tools.wellness.instruments.wording import load_wording


def load(settings: Settings, campus: str, instrument: str, file: Path) -> str:
    """Store the wording for a campus, as the owner role; returns its source. Raises `InvalidInput` and `NotFound`."""
    try:
        resource = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON.") from error
    if not isinstance(resource, dict):
        raise InvalidInput("This is no FHIR Questionnaire.")
    return asyncio.run(_load(settings, campus, instrument, resource))


async def _load(settings: Settings, campus: str, instrument: str, resource: dict[str, object]) -> str:
    async with await psycopg.AsyncConnection.connect(settings.owner_dsn.get_secret_value()) as owner:
        row = await (await owner.execute("select id from institutions where slug = %s", (campus,))).fetchone()
        if row is None:
            raise NotFound(f"There is no campus '{campus}'.")
        return await load_wording(owner, InstitutionId(row[0]), instrument, resource)
