"""Where the conversation stands as staff see it: mode, the script's state, whether the student is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from core.crypto import SubjectKey, Unreadable
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Tx
from safety.triage.state import TriageState
from safety.types import Mode

log = get_logger("care.dossier")
ONLINE_FOR = timedelta(seconds=20)
"""The page of a student in this conversation asks every few seconds; after this long without it, they are not there."""
CONVERSATION = """
select mode, delete_requested_at is not null, triage_sealed, seen_at,
       (select max(t.created_at) from turns t where t.conversation_id = c.id) from conversations c where id = %s
"""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the student is there, by stored facts."""

    online: bool
    """Their page of this conversation was open and in front just now."""
    seen_at: datetime | None
    """When it last was; None where a client without a page is used, or where no person was needed yet."""
    wrote_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation of a case."""

    mode: Mode | None
    """None when it is gone."""
    deletion_requested: bool
    triage: TriageState | None
    """None where the script is not in it, or where another version left what this one cannot read."""
    presence: Presence


async def read_conversation(
    tx: Tx, key: SubjectKey, conversation: ConversationId | None, *, at: datetime
) -> Conversation:
    """Read the conversation of a case that staff may see."""
    row = await (await tx.conn.execute(CONVERSATION, (conversation,))).fetchone()
    if row is None:
        return Conversation(None, True, None, Presence(False, None, None))
    mode, deletion, sealed, seen, wrote = row
    return Conversation(Mode(mode), deletion, _triage(key, conversation, sealed), presence(seen, wrote, at=at))


def presence(seen: datetime | None, wrote: datetime | None, *, at: datetime) -> Presence:
    """Say whether the student is there at a moment."""
    return Presence(seen is not None and at - seen <= ONLINE_FOR, seen, wrote)


def _triage(key: SubjectKey, conversation: ConversationId | None, sealed: bytes | None) -> TriageState | None:
    if sealed is None:
        return None
    try:
        return TriageState.from_dict(orjson.loads(key.open(sealed, f"conversations.triage:{conversation}")))
    except (KeyError, ValueError, TypeError, Unreadable) as error:
        # A person must be able to open the case whatever the script left behind.
        log.error("triage_state_unreadable", conversation=str(conversation), error=type(error).__name__)
        return None
