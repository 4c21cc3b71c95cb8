"""Everything the service holds about a student, as they may take it along: a zip of JSON files, one a table, unsealed.

A table that holds student rows is either written here or left out with its reason; a test compares both with the schema.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql

from core.crypto import SubjectKey
from core.errors import Unavailable
from db.access import Tx
from tools.people.keys import student_key
from tools.people.people import require_student


@dataclass(frozen=True, slots=True)
class Part:
    """One table: its columns, and for each sealed one the columns that it is bound to."""

    columns: tuple[str, ...]
    sealed: dict[str, str] = field(default_factory=dict)
    """Column without `_sealed` -> format of what it was bound to, over the row."""
    owner: str = "student_id"
    order: str = "id"


PARTS: dict[str, Part] = {
    "accounts": Part(
        ("id", "role", "status", "created_at"), {"email": "accounts.email:{id}"}, owner="id"
    ),
    "profiles": Part(
        ("account_id", "pronouns", "age_band", "region", "time_zone", "language", "follow_up_by", "caring", "updated_at"),
        {"name": "profiles.name:{account_id}", "accommodations": "profiles.accommodations:{account_id}"},
        owner="account_id", order="account_id",
    ),
    "data_uses": Part(("id", "data_kind", "purpose", "version", "granted", "decided_at")),
    "consents": Part(("id", "kind", "version", "given_at", "withdrawn_at")),
    "examples": Part(
        ("id", "conversation_id", "kind", "screening_version", "kept_at"), {"row": "examples.row:{id}"}
    ),
    "emergency_contacts": Part(
        ("id", "purpose", "updated_at"), {"person": "emergency_contacts.person:{id}"}
    ),
    "conversations": Part(
        ("id", "mode", "created_at", "updated_at"), {"summary": "conversations.summary:{id}"}
    ),
    "messages": Part(
        ("id", "conversation_id", "seq", "part", "author", "created_at"),
        {"body": "messages.body:{id}", "extras": "messages.extras:{id}"},
        order="conversation_id, seq, part",
    ),
    "screenings": Part(
        ("message_id", "conversation_id", "crisis", "category", "severity", "score", "version", "created_at"),
        {"evidence": "screenings.evidence:{message_id}"}, order="message_id",
    ),
    "mood_logs": Part(("id", "score", "emotions", "logged_at"), {"note": "mood_logs.note:{id}"}),
    "entries": Part(("id", "instrument", "version", "day", "at"), {"values": "entries.values:{id}"}),
    "companion_settings": Part(
        ("student_id", "quiet_from", "quiet_to", "updated_at"),
        {"settings": "companion_settings.settings:{student_id}"}, order="student_id",
    ),
    "reminders": Part(("instrument", "every_days", "hour", "next_at"), order="instrument"),
    "tasks": Part(
        ("id", "due_at", "estimate_minutes", "completed_at", "created_at", "importance", "spent_minutes"),
        {"title": "tasks.title:{id}", "course": "tasks.course:{id}"},
    ),
    "study_times": Part(
        ("student_id", "updated_at"), {"times": "study_times.times:{student_id}"}, order="student_id"
    ),
    "week_answers": Part(("week", "felt", "score", "answered_at"), order="week"),
    "canvas_connections": Part(
        ("student_id", "state", "time_zone", "connected_at", "synced_at", "whole_at"), order="student_id"
    ),
    "canvas_mirror": Part(
        ("student_id", "kind", "id", "course_id", "at"), {"detail": "canvas_mirror:{student_id}:{kind}:{id}"},
        order="kind, id",
    ),
    "safety_plans": Part(
        ("student_id", "updated_at"), {"plan": "safety_plans.plan:{student_id}"}, order="student_id"
    ),
    "crisis_terms": Part(
        ("student_id", "updated_at"), {"terms": "crisis_terms.terms:{student_id}"}, order="student_id"
    ),
    "cases": Part(
        ("id", "conversation_id", "category", "severity", "tier", "status", "opened_at", "closed_at", "outcome")
    ),
    "access_log": Part(
        ("id", "actor_role", "what", "conversation_id", "at"), {"actor_name": "access_log.actor:{id}"}
    ),
}  # fmt: skip
LEFT_OUT = {
    "student_events": "notices that the service gives itself about rows that are here",
    "student_signals": "what screening is told about rows that are here, for some days",
    "turns": "how a message was worked on; what came of it is in the messages",
    "tool_calls": "working notes of a turn; what they wrote is in moods and tasks",
    "case_events": "the counselors' own record; the law of the campus says how to ask for it",
    "case_rules": "which rules a message met; the evidence is in the screenings",
    "deliveries": "who of the staff was notified; who looked is in the access log",
    "delivery_attempts": "as deliveries",
    "caring_notes": "notes that a counselor plans; what was sent is in the messages",
    "canvas_tokens": "keys to Canvas, which open nothing but Canvas; what was read there is in canvas_mirror",
    "canvas_sign_ins": "a sign-in to Canvas that is under way for ten minutes",
}


async def take_along(tx: Tx) -> bytes:
    """Return the zip of the acting student's data; raises `NotAllowed`."""
    student, key = require_student(tx), await student_key(tx)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for table, part in PARTS.items():
            rows = await _rows(tx, key, table, part, student)
            files.writestr(f"{table}.json", orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        files.writestr("left_out.json", orjson.dumps(LEFT_OUT, option=orjson.OPT_INDENT_2))
    return archive.getvalue()


async def _rows(tx: Tx, key: SubjectKey, table: str, part: Part, student: UUID) -> list[dict[str, Any]]:
    names = (*part.columns, *(f"{name}_sealed" for name in part.sealed))
    query = sql.SQL("select {} from {} where {} = %s order by {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.Identifier(table),
        sql.Identifier(part.owner),
        sql.SQL(", ").join(sql.Identifier(name.strip()) for name in part.order.split(",")),
    )
    cursor = await tx.conn.execute(query, (student,))
    return [_row(key, part, dict(zip(names, values, strict=True))) for values in await cursor.fetchall()]


def _row(key: SubjectKey, part: Part, stored: dict[str, Any]) -> dict[str, Any]:
    out = {name: _plain(stored[name]) for name in part.columns}
    for name, bound_to in part.sealed.items():
        sealed = stored[f"{name}_sealed"]
        text = key.open(sealed, bound_to.format(**stored)) if sealed else None
        out[name] = _parsed(text)
    return out


def _parsed(text: str | None) -> Any:
    """Structures were sealed as JSON; words that look like one say the same either way."""
    if text is None or text[:1] not in "{[":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | list | UUID | date | datetime | time):
        return value
    raise Unavailable(f"A value of type {type(value).__name__} cannot be taken along yet.")
