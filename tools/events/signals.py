"""What a student's data says at the moment, for a while: it makes screening listen more closely and never pages."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from core.crypto import SubjectKey
from db.access import Tx
from tools.events.outbox import rules
from tools.people.people import require_student


def read_signals(key: SubjectKey, sealed: bytes | None, student: object, at: datetime) -> tuple[str, ...]:
    """Return the names of signals that hold at a moment."""
    if sealed is None:
        return ()
    stored: dict[str, str] = orjson.loads(key.open(sealed, f"student_signals.signals:{student}"))
    return tuple(sorted(name for name, until in stored.items() if datetime.fromisoformat(until) > at))


async def raise_signal(tx: Tx, key: SubjectKey, name: str, *, at: datetime) -> None:
    """Let a signal hold from a moment on, for as long as the figures say."""
    student = require_student(tx)
    cursor = await tx.conn.execute(
        "select signals_sealed from student_signals where student_id = %s for update", (student,)
    )
    row = await cursor.fetchone()
    stored = orjson.loads(key.open(row[0], f"student_signals.signals:{student}")) if row and row[0] else {}
    until = at + timedelta(hours=rules()["signals"][name]["hours"])
    standing = {known: ends for known, ends in stored.items() if datetime.fromisoformat(ends) > at}
    standing[str(name)] = max(standing.get(name, ""), until.isoformat())
    await tx.conn.execute(
        "insert into student_signals (student_id, institution_id, signals_sealed) values (%s, %s, %s)"
        " on conflict (student_id) do update set signals_sealed = excluded.signals_sealed",
        (
            student,
            tx.who.institution_id,
            key.seal(orjson.dumps(standing).decode(), f"student_signals.signals:{student}"),
        ),
    )


async def may_check_in(tx: Tx, *, at: datetime) -> bool:
    """Whether the companion may ask by itself now; if so, that counts as the question of the next days."""
    apart = timedelta(hours=rules()["check_ins"]["apart_hours"])
    cursor = await tx.conn.execute(
        "insert into student_signals as s (student_id, institution_id, checked_in_at) values (%s, %s, %s)"
        " on conflict (student_id) do update set checked_in_at = excluded.checked_in_at"
        " where s.checked_in_at is null or s.checked_in_at <= %s",
        (require_student(tx), tx.who.institution_id, at, at - apart),
    )
    return cursor.rowcount == 1
