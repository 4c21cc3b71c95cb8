"""A student's message on its way in, before anything is decided about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid5

from core.ids import ConversationId, TurnId
from db.access import Acting
from safety.triage.facts import InputKind

Allow = Callable[[], Awaitable[None]]
"""May refuse a message that is clear, by raising; it is never asked about any other."""


async def always() -> None:
    """Allow every message."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of the acting student."""

    who: Acting
    conversation: ConversationId
    text: str
    key: str
    """The client's own key: the same message sent again carries the same."""
    kind: InputKind = InputKind.TEXT
    allow: Allow = always

    @property
    def turn(self) -> TurnId:
        """The turn this message becomes: the same however often and by whichever way it comes in."""
        return turn_for(self.who, self.conversation, self.key)


def turn_for(who: Acting, conversation: UUID, key: str) -> TurnId:
    """Return the turn of a key in a student's conversation."""
    return TurnId(uuid5(conversation, f"{who.account_id}:{key}"))
