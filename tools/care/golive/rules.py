"""What a campus has written down: who answers around the clock, whom to call, when people look, which lines it checked.

It lives in `institutions.settings`; `tools.care.staffing` and `tools.care.roster` read it there. Keys that are not of
this form stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from email_validator import EmailNotValidError, validate_email
from psycopg.types.json import Jsonb

from core.errors import InvalidInput, NotAllowed
from core.ids import new_id
from db.access import Role, Tx
from tools.care.staffing import has_line, is_unstaffed

E164 = re.compile(r"^\+[1-9]\d{6,14}$")


class Responder(StrEnum):
    """Who answers around the clock."""

    LINE = "line"
    """A staffed line under contract."""
    STAFFED = "staffed"
    """The campus itself, at every hour."""
    UNSTAFFED = "unstaffed"
    """Nobody at some hours: students are told plainly when somebody looks."""
    UNSAID = "unsaid"
    """Nothing is written down; production does not start."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When people of the campus look, in its own time zone."""

    days: tuple[int, ...]
    """0 is Monday."""
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class CampusRules:
    """What is written down; empty where nothing is."""

    responder: Responder = Responder.UNSAID
    line_email: str = ""
    line_phone: str = ""
    hours: tuple[Hours, ...] = ()
    escalation_email: str = ""
    escalation_phone: str = ""
    confidential_email: str = ""
    lines_checked: Mapping[str, date] = field(default_factory=lambda: MappingProxyType({}))
    """Line -> when somebody of the campus last called it and it answered."""


async def read_rules(tx: Tx) -> CampusRules:
    """Return what the acting person's campus has written down."""
    settings = await _settings(tx)
    line = settings["line_24_7"] if has_line(settings) else {}
    return CampusRules(
        responder=_responder(settings),
        line_email=line.get("email") or "",
        line_phone=line.get("phone") or "",
        hours=_hours(settings.get("staffing")),
        escalation_email=settings.get("escalation_email") or "",
        escalation_phone=settings.get("escalation_phone") or "",
        confidential_email=settings.get("confidential_email") or "",
        lines_checked={name: date.fromisoformat(day) for name, day in settings.get("lines_checked", {}).items()},
    )


async def write_rules(tx: Tx, rules: CampusRules, *, at: datetime) -> tuple[str, ...]:
    """Write the campus's rules; returns the names of what changed, which stay on record with who changed them.

    Raises `NotAllowed` for anybody but the operator, `InvalidInput` for what cannot be called or makes no sense.
    """
    if tx.who.role is not Role.ADMIN:
        raise NotAllowed("The operator of the campus writes this down.")
    _check(rules)
    before = await _settings(tx)
    after = _written(before, rules)
    changed = tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
    if changed:
        await tx.conn.execute(
            "update institutions set settings = %s where id = %s", (Jsonb(after), tx.who.institution_id)
        )
        await tx.conn.execute(
            "insert into protocol_changes (id, institution_id, account_id, fields, at) values (%s, %s, %s, %s, %s)",
            (new_id(), tx.who.institution_id, tx.who.account_id, list(changed), at),
        )
    return changed


def _responder(settings: dict[str, Any]) -> Responder:
    if is_unstaffed(settings):
        return Responder.UNSTAFFED
    if has_line(settings):
        return Responder.LINE
    return Responder.STAFFED if settings.get("staffing") == "always" else Responder.UNSAID


def _hours(staffing: object) -> tuple[Hours, ...]:
    if not isinstance(staffing, list):
        return ()
    return tuple(
        Hours(tuple(shift["days"]), time.fromisoformat(shift["from"]), time.fromisoformat(shift["to"]))
        for shift in staffing
    )


def _check(rules: CampusRules) -> None:
    for address in (rules.line_email, rules.escalation_email, rules.confidential_email):
        if address:
            try:
                validate_email(address, check_deliverability=False)
            except EmailNotValidError as error:
                raise InvalidInput(f"'{address}' is no e-mail address.") from error
    for number in (rules.line_phone, rules.escalation_phone):
        if number and not E164.match(number):
            raise InvalidInput(f"Write '{number}' with its country code and digits alone, such as +15550100123.")
    if rules.responder is Responder.LINE and not (rules.line_email or rules.line_phone):
        raise InvalidInput("A contracted line needs an address or a number at which it is called.")
    if rules.responder is Responder.UNSTAFFED and not rules.hours:
        raise InvalidInput("Without anybody around the clock, write down the hours at which somebody looks.")
    for shift in rules.hours:
        if not shift.days or shift.begins >= shift.ends:
            raise InvalidInput("Hours need at least one day, and a beginning before the end on the same day.")


def _written(before: dict[str, Any], rules: CampusRules) -> dict[str, Any]:
    shifts = [
        {"days": sorted(shift.days), "from": shift.begins.strftime("%H:%M"), "to": shift.ends.strftime("%H:%M")}
        for shift in rules.hours
    ]
    line = {"email": rules.line_email or None, "phone": rules.line_phone or None}
    ours: dict[str, Any] = {
        "line_24_7": line if any(line.values()) else None,
        "responder": "unstaffed" if rules.responder is Responder.UNSTAFFED else None,
        "staffing": "always" if rules.responder is Responder.STAFFED else shifts or None,
        "escalation_email": rules.escalation_email or None,
        "escalation_phone": rules.escalation_phone or None,
        "confidential_email": rules.confidential_email or None,
        "lines_checked": {name: day.isoformat() for name, day in sorted(rules.lines_checked.items())} or None,
    }
    return {name: value for name, value in (before | ours).items() if value is not None}


async def _settings(tx: Tx) -> dict[str, Any]:
    cursor = await tx.conn.execute("select settings from institutions where id = %s", (tx.who.institution_id,))
    row = await cursor.fetchone()
    return dict(row[0]) if row else {}
