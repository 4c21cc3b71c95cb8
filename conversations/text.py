"""The student's message as it comes in: what is refused with a clear word, and what is cleaned."""

from __future__ import annotations

import re

from core.errors import InvalidInput, TooLarge

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean_message(text: str, *, max_bytes: int) -> str:
    """Return the message without control characters and outer blanks.

    Raises `InvalidInput` when nothing is left and `TooLarge` beyond `max_bytes` of UTF-8.
    """
    if len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise TooLarge
    cleaned = _CONTROL.sub("", text.encode("utf-8", "replace").decode("utf-8")).strip()
    if not cleaned:
        raise InvalidInput("This message is empty. Write a few words and send it again.")
    return cleaned
