"""Which messages a second opinion is asked on, and the job that asks it: committed with the message, behind all else."""

from __future__ import annotations

from procrastinate import App

from core.ids import MessageId
from db.access import Tx
from db.jobs import BEHIND, defer
from safety.triage.facts import InputKind
from safety.types import Screening

TASK = "second_opinion"
LANES = 2
"""Opinions asked at once over all workers; the rest of a worker's hands stay free for deliveries."""


def is_asked(path: str, screening: Screening, kind: InputKind) -> bool:
    """Whether an opinion is asked on a message: screening let it pass to the companion, or asked about it.

    Not of what is said to a person or in answer to the script, and not of a transcript that nobody confirmed: an opinion
    on that must not call anybody.
    """
    passed = path == "agent" or (path == "script" and screening.clarify)
    return passed and not (screening.crisis or screening.degraded) and kind is not InputKind.VOICE_UNCONFIRMED


async def ask_later(jobs: App, tx: Tx, message: MessageId) -> None:
    """Put the question in the queue as part of the message's transaction."""
    await defer(jobs, tx, TASK, lock=f"{TASK}:lane:{message.int % LANES}", priority=BEHIND, message=message)
