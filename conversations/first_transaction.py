"""The first transaction: the message, its screening, and in a crisis the case, its deliveries and the fixed reply."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import orjson
from procrastinate import App
from psycopg.types.json import Jsonb

from agents.state import ScreenedTurn
from conversations.admission import admit
from conversations.asking import ask_later
from conversations.crisis_events import script_events
from conversations.cut_off import Kept
from conversations.events import dump_events
from conversations.script_store import store_message, store_step, take_number
from conversations.snapshot import Snapshot
from core.ids import MessageId, TurnId
from db.access import Tx
from db.jobs import defer
from safety.disclosure import Notice, notice_text
from safety.triage.state import TriageState
from safety.triage.step import ScriptStep
from safety.types import Mode, Screening
from tools.care.escalation import apply_effects

Path = Literal["agent", "script", "live_person", "careful"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A message with everything that was decided about it, ready to be committed."""

    snapshot: Snapshot
    text: str
    idempotency_key: str
    turn_id: TurnId
    screening: Screening
    path: Path
    step: ScriptStep | None
    """What the script does; None when it has no part in this turn."""
    at: datetime
    written_at: datetime
    """When the student wrote it: `at`, unless it waited in the spool."""
    notices: tuple[Notice, ...] = ()
    """What has to be said about the software with this turn."""
    opinion: bool = False
    """A second opinion is asked on the message, later."""

    @property
    def mode(self) -> Mode:
        """The conversation's mode after this turn."""
        return self.step.mode if self.step is not None else self.snapshot.mode

    @property
    def state(self) -> TriageState | None:
        """The triage state after this turn."""
        return self.step.state if self.step is not None else self.snapshot.triage


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is committed."""

    turn_id: TurnId
    seq: int
    path: Path | Literal["kept"]
    repeated: bool
    """The same idempotency key came before: nothing was done again."""
    screened: ScreenedTurn | None = None
    notices: tuple[Notice, ...] = ()
    kept: Kept | None = None
    """With the path `kept`: the database is down, the message waits on the disk, and this is what the student is told."""


async def commit_turn(tx: Tx, jobs: App, judged: Judged) -> Received | None:
    """Write everything in the open transaction; None when another message came in between and all must be judged again."""
    snapshot = judged.snapshot
    if not await take_number(tx, snapshot, judged.mode, judged.state, at=judged.at):
        return None
    turn_id = judged.turn_id
    await _store_turn(tx, judged)
    message = await store_message(
        tx,
        snapshot.key,
        snapshot.conversation_id,
        snapshot.next_seq,
        0,
        "student",
        judged.text,
        at=judged.written_at,
        turn_id=turn_id,
    )
    await _store_screening(tx, judged, message)
    if judged.screening.degraded:
        await defer(jobs, tx, "second_look", message=message)
    if judged.opinion:
        await ask_later(jobs, tx, message)
    await _store_notices(tx, judged, turn_id)
    if judged.step is not None:
        await _store_script(tx, jobs, judged, judged.step)
    screened = None
    if judged.path == "agent":
        screened = admit(
            tx.who, snapshot, turn_id, judged.text, judged.screening, judged.mode, received_at=judged.written_at
        )
    return Received(turn_id, snapshot.next_seq, judged.path, repeated=False, screened=screened, notices=judged.notices)


async def _store_turn(tx: Tx, judged: Judged) -> None:
    snapshot, agent = judged.snapshot, judged.path == "agent"
    await tx.conn.execute(
        "insert into turns (id, institution_id, student_id, conversation_id, seq, idempotency_key, body_hash, path,"
        " state, versions, created_at, finished_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            judged.turn_id, tx.who.institution_id, tx.who.student_id, snapshot.conversation_id, snapshot.next_seq,
            judged.idempotency_key, snapshot.key.digest(judged.text), judged.path, "queued" if agent else "done",
            Jsonb({"screening": judged.screening.version}), judged.written_at, None if agent else judged.at,
        ),
    )  # fmt: skip


async def _store_screening(tx: Tx, judged: Judged, message: MessageId) -> None:
    snapshot, screening = judged.snapshot, judged.screening
    evidence = orjson.dumps([asdict(entry) for entry in screening.evidence]).decode()
    await tx.conn.execute(
        "insert into screenings (message_id, institution_id, student_id, conversation_id, crisis, clarify,"
        " category, severity, score, evidence_sealed, degraded, version, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            message, tx.who.institution_id, tx.who.student_id, snapshot.conversation_id, screening.crisis,
            screening.clarify, screening.category, screening.severity, screening.score,
            snapshot.key.seal(evidence, f"screenings.evidence:{message}"), list(screening.degraded),
            screening.version, judged.written_at,
        ),
    )  # fmt: skip


async def _store_notices(tx: Tx, judged: Judged, turn_id: TurnId) -> None:
    """Store what is said about the software; it stands above the student's message."""
    for number, notice in enumerate(judged.notices):
        await store_message(
            tx,
            judged.snapshot.key,
            judged.snapshot.conversation_id,
            judged.snapshot.next_seq,
            number - len(judged.notices),
            "script",
            notice_text(notice, judged.snapshot.facts.language),
            at=judged.at,
            extras=orjson.dumps({"notice": notice.value}).decode(),
            turn_id=turn_id,
        )
    if judged.notices:
        await tx.conn.execute(
            "update profiles set notice_seen_at = %s where account_id = %s", (judged.at, tx.who.account_id)
        )


async def _store_script(tx: Tx, jobs: App, judged: Judged, step: ScriptStep) -> None:
    turn_id, since = judged.turn_id, judged.written_at
    if judged.path == "agent":
        await apply_effects(tx, jobs, judged.snapshot.conversation_id, step.effects, at=judged.at, since=since)
        return
    await store_step(tx, jobs, judged.snapshot, step, at=judged.at, since=since, turn_id=turn_id)
    events = script_events(judged.screening, judged.path, step)
    sealed = judged.snapshot.key.seal(dump_events(events), f"turns.events:{turn_id}")
    await tx.conn.execute("update turns set events_sealed = %s where id = %s", (sealed, turn_id))
