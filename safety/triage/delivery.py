"""What the student is told about delivery: stored facts in words, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from safety.triage.facts import DeliveryFacts
from safety.triage.words import clock_time, words_for


def delivery_status(facts: DeliveryFacts, language: str = "en", zone: str = "UTC") -> str:
    """Return the status line, such as 'Sent 2:14 · Opened by a counselor 2:16 · A counselor is writing'.

    Every part stands for a stored fact; without facts the line is empty.
    """
    words = words_for(language)
    parts = []
    for key, moment in (("sent", facts.sent_at), ("opened", facts.opened_at)):
        if moment is not None:
            parts.append(words.text(f"status.{key}", time=clock_time(moment, zone)))
    if facts.closed_at is not None:
        parts.append(words.text("status.closed", time=clock_time(facts.closed_at, zone)))
    elif facts.writing_at is not None:
        parts.append(words.text("status.writing"))
    return words.text("status.join").join(parts)


def direct_call_words(reached: Sequence[str], sent_at: datetime | None, language: str = "en", zone: str = "UTC") -> str:
    """Return who has been told while nothing can be stored, and when; or that nobody has been reached yet.

    Args:
        reached: keys of `reached`, whoever accepted the call.
        sent_at: when the first of them did; None when nobody did.
        language: language of the student.
        zone: IANA time zone in which the time is shown.
    """
    words = words_for(language)
    if sent_at is None or not reached:
        return words.text("say.kept.trying")
    told = ", ".join(words.text(f"reached.{who}") for who in dict.fromkeys(reached))
    return words.text("say.kept.told", time=clock_time(sent_at, zone), told=told)
