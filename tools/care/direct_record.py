"""Makes calls that were made without the database facts of the case: who was tried, by which way, and what became of it.

Doing it again with more attempts is harmless: what is stored already stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID, uuid5

from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.policy import Tier
from tools.care.cases import open_case_of
from tools.care.direct import DIRECT, Attempt
from tools.people.people import require_student

LABELS = {"alert_system": "campus", "confidential": "campus"}
"""How the ordinary call names the same recipient."""
STORE = """
insert into deliveries (id, case_id, institution_id, student_id, channel, reason, state, attempts, last_error, created_at,
                        sent_at, page_id, tier, rung)
values (%(id)s, %(case)s, %(institution)s, %(student)s, %(channel)s, 'database_down', %(state)s, %(attempts)s, %(error)s,
        %(at)s, %(sent_at)s, %(page)s, %(tier)s, %(rung)s)
on conflict (id) do update
set state = excluded.state, attempts = excluded.attempts, last_error = excluded.last_error, sent_at = excluded.sent_at
"""


async def record_direct_calls(
    tx: Tx, conversation: ConversationId, entry: UUID, tier: Tier, attempts: Sequence[Attempt], *, called_at: datetime
) -> CaseId | None:
    """Store the attempts about a spooled message with the conversation's open case; None when there is no such case.

    `entry` is the message's id in the spool: what is stored about it is stored once. `called_at` is when people were
    first called; from then on the case waits for a person.
    """
    case = await open_case_of(tx, conversation)
    if case is None or not attempts:
        return case.id if case else None
    page = await _newest_call(tx, case.id)
    ordered = sorted(attempts, key=lambda attempt: (attempt.channel, attempt.at))
    for channel, tries in groupby(ordered, key=lambda attempt: attempt.channel):
        await _store(tx, case.id, page, entry, channel, list(tries), tier, called_at)
    if any(attempt.accepted for attempt in attempts):
        await tx.conn.execute("update cases set paged_at = least(paged_at, %s) where id = %s", (called_at, case.id))
    return case.id


async def _newest_call(tx: Tx, case: CaseId) -> UUID | None:
    cursor = await tx.conn.execute(
        "select id from case_events where case_id = %s and kind = 'called' order by at desc, id desc limit 1", (case,)
    )
    row = await cursor.fetchone()
    return UUID(str(row[0])) if row else None


async def _store(
    tx: Tx,
    case: CaseId,
    page: UUID | None,
    entry: UUID,
    channel: str,
    tries: list[Attempt],
    tier: Tier,
    called_at: datetime,
) -> None:
    delivery = uuid5(entry, channel)
    newest = {attempt.recipient: attempt for attempt in tries}
    failed = [attempt.error for attempt in newest.values() if not attempt.accepted]
    await tx.conn.execute(
        STORE,
        {
            "id": delivery, "case": case, "institution": tx.who.institution_id, "student": require_student(tx),
            "channel": channel, "state": "failed" if failed else "sent", "attempts": len(tries),
            "error": failed[0] if failed else None, "at": called_at, "sent_at": _first_accepted(tries), "page": page,
            "tier": tier, "rung": DIRECT,
        },
    )  # fmt: skip
    for number, attempt in enumerate(tries, start=1):
        await tx.conn.execute(
            "insert into delivery_attempts (id, delivery_id, institution_id, student_id, recipient, number, accepted,"
            " error, at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do nothing",
            (
                uuid5(delivery, f"{attempt.recipient}:{attempt.at.isoformat()}"), delivery, tx.who.institution_id,
                tx.who.student_id, LABELS.get(attempt.recipient, attempt.recipient), number, attempt.accepted,
                attempt.error, attempt.at,
            ),
        )  # fmt: skip


def _first_accepted(tries: Iterable[Attempt]) -> datetime | None:
    return min((attempt.at for attempt in tries if attempt.accepted), default=None)
