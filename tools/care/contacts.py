"""Whom to call when the database is down: what every campus wrote down, read while it answered.

It is in memory, and in a file of the home folder for a start without the database.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from core.errors import Unavailable
from core.ids import InstitutionId
from core.logs import get_logger
from db.access import Acting, Database, Role
from tools.care.cases import SERVICE
from tools.care.channels import Recipient
from tools.care.staffing import Staffing, has_line, staffing

log = get_logger("care.contacts")
REFRESH_SECONDS = 60.0
FILE = "contacts.json"


class Contacts:
    """The contacts and hours of every campus."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._campuses: dict[InstitutionId, dict[str, Any]] = _read(self._file)

    async def learn(self, db: Database) -> int:
        """Read the contacts of every campus; what was known stays when the database does not answer.

        To be done every `REFRESH_SECONDS`.

        Returns how many campuses are known.
        """
        try:
            async with db.connection() as conn:
                served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
            found: dict[InstitutionId, dict[str, Any]] = {}
            for (institution,) in served:
                async with db.acting(Acting(InstitutionId(institution), SERVICE, Role.STUDENT)) as tx:
                    row = await (await tx.conn.execute("select settings, time_zone from institutions")).fetchone()
                if row is not None:
                    found[InstitutionId(institution)] = {"settings": row[0], "time_zone": row[1]}
        except (Unavailable, psycopg.Error) as error:
            log.warning("contacts_not_refreshed", error=type(error).__name__)
        else:
            if found != self._campuses:
                self._campuses = found
                await asyncio.to_thread(_write, self._file, found)
        return len(self._campuses)

    def staffing(self, institution: InstitutionId, moment: datetime) -> Staffing:
        """Whether somebody answers at a campus; of one that is not known, nobody is promised."""
        campus = self._campuses.get(institution)
        return staffing(campus["settings"], campus["time_zone"], moment) if campus else Staffing(False, None)

    def recipients(self, institution: InstitutionId, *, confidential: bool) -> list[Recipient]:
        """Whom a campus wants called; a confidential matter is told to confidential staff and the contracted line."""
        campus = self._campuses.get(institution, {}).get("settings", {})
        if confidential:
            found = [Recipient("confidential", email=campus.get("confidential_email"))]
        else:
            found = [Recipient("campus", email=campus.get("escalation_email"), phone=campus.get("escalation_phone"))]
        if has_line(campus):
            line = campus["line_24_7"]
            found.append(Recipient("line_24_7", email=line.get("email"), phone=line.get("phone")))
        return found


def _read(file: Path) -> dict[InstitutionId, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = orjson.loads(file.read_bytes())
        return {InstitutionId(UUID(institution)): campus for institution, campus in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log.error("contacts_unreadable", error=type(error).__name__)
        return {}


def _write(file: Path, campuses: Mapping[InstitutionId, dict[str, Any]]) -> None:
    """Keep the contacts for a start without the database; without the file that start knows nobody, nothing more."""
    temporary = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(orjson.dumps({str(institution): campus for institution, campus in campuses.items()}))
        temporary.replace(file)
    except OSError as error:
        log.error("contacts_not_kept", error=type(error).__name__)
