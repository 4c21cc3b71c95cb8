"""What tests of the graph share: a student, a database with articles, and a way to say something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from agents.gate import Gate
from agents.run import stream_turn
from agents.services import TurnServices
from agents.state import PastMessage, ReviewedSentence, ScreenedTurn, TurnEvent
from core.ids import ConversationId, StudentId, TurnId, new_id
from db.access import Acting, Database
from safety.types import Category, Mode, Screening, Severity


@dataclass
class Desk:
    """Says things as Maya and keeps the conversation."""

    db: Database
    maya: Acting
    jonas: Acting
    """Another student of the same campus."""
    conversation: ConversationId
    services: TurnServices
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Denver"))
    history: list[PastMessage] = field(default_factory=list)

    async def turn(self, text: str, **changes: object) -> ScreenedTurn:
        """A screened turn with its row in the database, as intake leaves it."""
        turn_id = TurnId(new_id())
        async with self.db.acting(self.maya) as tx:
            await tx.conn.execute(
                "insert into turns (id, institution_id, student_id, conversation_id, seq, idempotency_key, body_hash,"
                " path, state) values (%s, %s, %s, %s, %s, %s, '', 'agent', 'running')",
                (
                    turn_id,
                    self.maya.institution_id,
                    self.maya.student_id,
                    self.conversation,
                    len(self.history) + 1,
                    str(turn_id),
                ),
            )
        return replace(self.screened(text), turn_id=turn_id, **changes)  # type: ignore[arg-type]  # by name

    def screened(self, text: str) -> ScreenedTurn:
        """A screened turn without a row."""
        return ScreenedTurn(
            TurnId(new_id()),
            self.conversation,
            StudentId(self.maya.student_id or new_id()),
            self.maya.institution_id,
            text,
            Screening(False, False, Category.NONE, Severity.NONE, 0.0, (), "test"),
            Mode.ORDINARY,
            "Maya",
            "en",
            self.zone.key,
            "US",
            self.services.clock.now(),
            1,
            tuple(self.history[-24:]),
        )

    async def answer(self, turn: ScreenedTurn) -> list[TurnEvent]:
        """Run one turn to its end."""
        return [event async for event in stream_turn(turn, self.services)]

    async def say(self, text: str) -> list[TurnEvent]:
        """Say something and keep both sides in the history."""
        events = await self.answer(await self.turn(text))
        now: datetime = self.services.clock.now()
        self.history += [PastMessage("student", text, now), PastMessage("companion", reply(events), now)]
        return events


class Silent(Gate):
    """A gate that nobody listens at."""

    def __init__(self, language: str) -> None:
        super().__init__(lambda _: None, language)


def reply(events: Sequence[TurnEvent]) -> str:
    """The reply as it is stored."""
    return "".join(event.text + event.ends for event in events if isinstance(event, ReviewedSentence)).strip()
