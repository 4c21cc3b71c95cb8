"""How a client is told what the script said about words that were no message."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from conversations.beside import Answered


class AnsweredOut(BaseModel):
    """The words left the ordinary path: show this now, and lead the student to the conversation."""

    conversation_id: UUID
    path: str = Field(description="`script`, `careful`, `live_person`; `kept`: the database is down, people are told")
    crisis: dict[str, Any] | None = Field(description="Messages, choices and lines, as in a conversation's turn")


def answered_out(answered: Answered | None) -> AnsweredOut | None:
    """Render it; None stays None."""
    if answered is None:
        return None
    return AnsweredOut(conversation_id=answered.conversation, path=answered.path, crisis=answered.crisis)
