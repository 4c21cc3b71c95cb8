"""Identifiers: UUID version 7, so that rows written later sort later."""

from typing import NewType
from uuid import UUID

import uuid_utils.compat as uuid_utils

InstitutionId = NewType("InstitutionId", UUID)
AccountId = NewType("AccountId", UUID)
StudentId = NewType("StudentId", UUID)
"""A student is an account with the role student; both identifiers hold the same value."""
ConversationId = NewType("ConversationId", UUID)
TurnId = NewType("TurnId", UUID)
MessageId = NewType("MessageId", UUID)
CaseId = NewType("CaseId", UUID)


def new_id() -> UUID:
    """Return a new time-ordered identifier."""
    return uuid_utils.uuid7()
