"""What the student was shown and promised since the case was opened, and what they see at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from core.crypto import SubjectKey, Unreadable
from core.ids import ConversationId
from db.access import Tx
from safety.triage.delivery import delivery_status
from safety.triage.state import CheckInKind, TriageState
from safety.triage.words import words_for
from tools.care.cases import delivery_facts
from tools.care.dossier.said import Quote
from tools.people.people import Profile

BUTTONS = """
select id, extras_sealed from messages
where conversation_id = %s and author = 'script' and created_at >= %s and extras_sealed is not null order by seq, part
"""
WAYS_OUT = ("tel:", "sms:", "https:")


@dataclass(frozen=True, slots=True)
class Promise:
    """A moment at which the software said that it will come back."""

    at: datetime
    kind: CheckInKind


@dataclass(frozen=True, slots=True)
class Shown:
    """What the student has read from the service."""

    now: str
    """The line of delivery that stands on their page; empty when there is nothing true to say."""
    said: tuple[Quote, ...]
    """The script's statements; its questions stand with their answers."""
    ways: tuple[str, ...]
    """Lines and buttons that were offered, as they read."""
    promises: tuple[Promise, ...]


async def read_shown(
    tx: Tx,
    key: SubjectKey,
    conversation: ConversationId | None,
    messages: Sequence[Quote],
    triage: TriageState | None,
    student: Profile,
    *,
    since: datetime,
    at: datetime,
) -> Shown:
    """Gather what was shown since a moment, from what is stored."""
    facts = await delivery_facts(tx, conversation, at=at) if conversation else None
    language = triage.language if triage else student.language
    questions = _questions(language)
    return Shown(
        now=delivery_status(facts, language, student.time_zone) if facts else "",
        said=tuple(
            quote
            for quote in messages
            if quote.author == "script" and quote.at >= since and quote.text not in questions
        ),
        ways=await _ways(tx, key, conversation, since),
        promises=tuple(Promise(entry.at, entry.kind) for entry in triage.check_ins) if triage else (),
    )


def _questions(language: str) -> frozenset[str]:
    """Every question as it may have been asked."""
    words = words_for(language)
    days = [words.text(f"part_of_day.{part}") for part in ("day", "night")]
    return frozenset(
        words.text(f"items.{item}.ask", part_of_day=day)
        for item, known in words.tree["items"].items()
        if "ask" in known
        for day in days
    )


async def _ways(tx: Tx, key: SubjectKey, conversation: ConversationId | None, since: datetime) -> tuple[str, ...]:
    offered: dict[str, None] = {}
    cursor = await tx.conn.execute(BUTTONS, (conversation, since))
    for message, sealed in await cursor.fetchall():
        try:
            extras = orjson.loads(key.open(sealed, f"messages.extras:{message}"))
        except (Unreadable, ValueError):
            continue  # The message itself is shown as unreadable; the buttons add nothing to that.
        for choice in extras.get("choices", ()):
            if str(choice.get("href") or "").startswith(WAYS_OUT):
                offered[str(choice["label"])] = None
    return tuple(offered)
