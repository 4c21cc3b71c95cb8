"""Where the next page of a list begins: the moment and the id of the last entry shown, as one opaque word."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from core.errors import InvalidInput


def write_cursor(at: datetime, id_: UUID) -> str:
    """Return the word for an entry."""
    return urlsafe_b64encode(f"{at.isoformat()} {id_}".encode()).decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """Return the moment and the id of a word. Raises `InvalidInput` for one that was not made here."""
    try:
        at, id_ = urlsafe_b64decode(text.encode()).decode().split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(id_)
    except ValueError as error:
        raise InvalidInput("This page is not known. Begin again without a cursor.") from error
