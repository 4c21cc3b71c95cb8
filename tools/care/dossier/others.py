"""Who else is acting: who has the case, who looked, who was called, who outside was told. No timeline of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from core.ids import AccountId, CaseId
from db.access import Tx
from tools.care.channels import NOT_CONFIGURED
from tools.care.dossier.history import Happened
from tools.care.facts import CaseFacts
from tools.care.queue import colleague_name

HARMLESS = (NOT_CONFIGURED, "unstaffed", "case_closed")
"""Reasons for which a way was not taken that nobody has to repair at this moment."""
CALLED = """
select rung, min(created_at) as at, min(sent_at) as reached_at, bool_or(state = 'committed') as on_its_way,
       array_agg(distinct last_error) filter (where state = 'failed' and last_error <> all(%(harmless)s)) as errors
from deliveries where case_id = %(case)s and rung <> 'colleague' group by rung order by at, rung
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """A colleague who opened the case."""

    who: str
    at: datetime
    """The last time."""


@dataclass(frozen=True, slots=True)
class Called:
    """A rung of the ladder that was called."""

    rung: str
    at: datetime
    reached_at: datetime | None
    """When the first of them was told; None when nobody has been."""
    trouble: str | None
    """Why nobody was reached; None while it is on its way or where it went out."""


@dataclass(frozen=True, slots=True)
class ToldOf:
    """Somebody outside who was told, by a person's decision."""

    whom: tuple[str, ...]
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Others:
    """Everybody who acts beside the reader."""

    holder: str | None
    offered_to: str | None
    looked: tuple[Looked, ...]
    called: tuple[Called, ...]
    told: tuple[ToldOf, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """One notice: to whom, how, and what became of it."""

    channel: str
    rung: str
    reason: str
    state: str
    committed_at: datetime
    sent_at: datetime | None
    error: str | None


async def read_notices(tx: Tx, case: CaseId) -> tuple[Noticed, ...]:
    """Return every notice of a case, oldest first."""
    cursor = await tx.conn.execute(
        "select channel, rung, reason, state, created_at, sent_at, last_error from deliveries where case_id = %s"
        " order by created_at, id",
        (case,),
    )
    return tuple(Noticed(*row) for row in await cursor.fetchall())


async def read_others(tx: Tx, case: CaseFacts, history: Sequence[Happened], *, me: str) -> Others:
    """Gather who else acts, from stored facts; `me` is the reader's own name."""
    async with tx.conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(CALLED, {"case": case.id, "harmless": list(HARMLESS)})).fetchall()
    looked = {entry.by: entry.at for entry in history if entry.kind == "looked" and entry.by not in (None, me)}
    return Others(
        holder=await _name(tx, case.claimed_by),
        offered_to=await _name(tx, case.offered_to),
        looked=tuple(Looked(str(who), at) for who, at in looked.items()),
        called=tuple(_called(row) for row in rows),
        told=told_outside(history),
    )


async def _name(tx: Tx, account: AccountId | None) -> str | None:
    return await colleague_name(tx, account) if account else None


def told_outside(history: Sequence[Happened]) -> tuple[ToldOf, ...]:
    """Return who outside was told of a case, by whose decision, oldest first."""
    return tuple(
        ToldOf(tuple(entry.facts.get("told", ())), entry.by, entry.at) for entry in history if entry.kind == "disclosed"
    )


def _called(row: dict[str, Any]) -> Called:
    silent = row["reached_at"] is None and not row["on_its_way"]
    trouble = (row["errors"] or ["nobody could be reached"])[0].replace("_", " ") if silent else None
    return Called(row["rung"], row["at"], row["reached_at"], trouble)
