"""What a turn's execution may use: the process-wide services and the facts of one turn."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents.dialogue.phrases import Phrasebook
from agents.dialogue.responder import Responder
from agents.dialogue.understand import Reader
from agents.gate import Gate
from agents.models import LanguageModel
from agents.state import ScreenedTurn
from core.clock import Clock
from core.ids import TurnId
from core.settings import Settings
from db.access import Acting, Database
from embedding.protocol import Embedder, Vectors
from safety.disclosure import Law, law_for


@dataclass(frozen=True, slots=True)
class TurnServices:
    """Opened once per process and shared by all turns."""

    db: Database
    """Pool of the app role; every tool acts in it as the student."""
    embedder: Embedder
    clock: Clock
    reader: Reader
    responder: Responder
    model: LanguageModel | None = None
    """None: the embedded responder answers every turn."""


@dataclass(frozen=True, slots=True)
class TurnContext:
    """The runtime context of the graph: who acts, for which turn, and the only way to speak.

    Tools read identity from here. No argument of a model can name another student.
    """

    services: TurnServices
    who: Acting
    turn_id: TurnId
    zone: ZoneInfo
    region: str | None
    law: Law
    language: str
    message: str
    vector: Vectors | None
    """The one embedding of the message, shape (dimensions,); None when the encoder is down."""
    gate: Gate


def open_services(db: Database, embedder: Embedder, clock: Clock, settings: Settings) -> TurnServices:
    """Load phrases, embed their exemplars once and connect the model that the settings name.

    Takes a second or two of CPU. Raises `ConfigurationError` for an unknown model and `EmbeddingUnavailable`.
    """
    reader = Reader.load(embedder)
    responder = Responder(reader, Phrasebook.load())
    return TurnServices(db, embedder, clock, reader, responder, LanguageModel.from_settings(settings))


def context_of(turn: ScreenedTurn, services: TurnServices, gate: Gate, vector: Vectors | None) -> TurnContext:
    """Derive the runtime context from a screened turn and the embedding of its message."""
    return TurnContext(
        services,
        Acting.student(turn.institution_id, turn.student_id),
        turn.turn_id,
        zone_of(turn.time_zone),
        turn.region,
        law_for(turn.campus_region, turn.region),
        turn.language,
        turn.text,
        vector,
        gate,
    )


def zone_of(name: str) -> ZoneInfo:
    """Return the named time zone, or UTC when the profile holds an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
