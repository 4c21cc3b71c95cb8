"""Takes in what a student filled in: hear their words, check and score, store, and ask where an answer must be asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid5

import psycopg
from procrastinate import App

from conversations.beside import Answered, Beside
from conversations.signals import take_signal
from core.clock import Clock
from core.errors import Conflict, InvalidInput, Unavailable
from core.ids import ConversationId
from db.access import Acting, Database, Tx
from safety.policy import Signal
from tools.people.keys import student_key
from tools.people.people import own_zone
from tools.wellness.instruments.answers import Answers, read_answers, words_of
from tools.wellness.instruments.definition import Definition
from tools.wellness.instruments.entries import Entry, entry_page, save_entry
from tools.wellness.instruments.explain import explain
from tools.wellness.instruments.scoring import score, watched
from tools.wellness.instruments.wording import worded

OLDEST = timedelta(days=31)
TRIES = 3


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a form."""

    entry: Entry | None
    """None: the database is down, and only urgent words were taken in."""
    said: tuple[str, ...]
    """The result, explained."""
    answered: Answered | None
    """What the script said about the words."""
    asked_in: ConversationId | None
    """Where the script asks about an answer."""


class Submitting:
    """The one way for a student's entries."""

    def __init__(self, db: Database, jobs: App, beside: Beside, clock: Clock) -> None:
        self._db, self._jobs, self._beside, self._clock = db, jobs, beside, clock

    async def submit(
        self, who: Acting, made: Definition, given: Mapping[str, object], *, key: str, day: date | None = None
    ) -> Submitted:
        """Take in a form of the acting student. The same `key` again is the same entry.

        Raises `InvalidInput` for what does not fit, after the words were heard, and `Unavailable`.
        """
        answered = await self._beside.hear(who, words_of(made, given), key=f"entry:{key}")
        answers = read_answers(made, given)
        for _ in range(TRIES):
            try:
                async with self._db.acting(who) as tx:
                    return await self._store(tx, made, answers, answered, key, day)
            except psycopg.errors.UniqueViolation:
                continue  # The same day was filled in at the same moment elsewhere: read it and replace it.
            except Unavailable:
                if answered is None:
                    raise
                return Submitted(None, (), answered, None)
        raise Conflict

    async def _store(
        self, tx: Tx, made: Definition, answers: Answers, answered: Answered | None, key: str, day: date | None
    ) -> Submitted:
        now, sealing = self._clock.now(), await student_key(tx)
        today = now.astimezone(await own_zone(tx)).date()
        about = _day(day, today)
        earlier, _ = await entry_page(tx, sealing, made.id, limit=2)
        entry_id = uuid5(tx.who.account_id, f"entry:{key}")
        entry = await save_entry(tx, sealing, made, answers, score(made, answers), day=about, at=now, entry_id=entry_id)
        asked_in = await self._ask(tx, made, answers, now)
        before = next((known for known in earlier if known.id != entry.id), None)
        said = explain(made, entry, before, (await worded(tx, made)).official)
        return Submitted(entry, tuple(said), answered, asked_in)

    async def _ask(self, tx: Tx, made: Definition, answers: Answers, now: datetime) -> ConversationId | None:
        """Let the script ask about a watched answer, in the transaction that stores it."""
        watch = watched(made, answers)
        return None if watch is None else await take_signal(tx, self._jobs, Signal(watch.signal), at=now)


def _day(day: date | None, today: date) -> date:
    if day is None:
        return today
    if not today - OLDEST <= day <= today:
        raise InvalidInput("An entry is about today or one of the last 31 days.")
    return day
