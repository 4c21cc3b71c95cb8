"""A case laid out for the first sixty seconds: who, how bad, what was said and promised, who else acts.

Facts first. Quotes are the flagged messages with their neighbours; the whole transcript, and the rules and scores, are
looks of their own and stored as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from core.crypto import SubjectKey
from core.errors import NotFound
from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.triage.state import TriageState
from safety.triage.words import words_for
from safety.types import Mode
from tools.care.access import Seen, note_access
from tools.care.acts import CaseFacts, beside, read_case
from tools.care.cases import record
from tools.care.openers import opener
from tools.care.plan import SafetyPlan, read_plan
from tools.care.queue import colleague_name
from tools.care.terms import MyTerms, read_terms
from tools.people.keys import subject_key
from tools.people.people import Profile, read_profile, require_staff

AROUND = 5
"""Messages shown before and after a flagged one."""
FLAGGED_AT_MOST = 20
MINORS = ("under_16", "16_17")


@dataclass(frozen=True, slots=True)
class Quote:
    """One message of the conversation."""

    id: UUID
    author: str
    text: str
    at: datetime
    flagged: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer to the screener: the question as it was asked, the answer, refused or in the student's words."""

    item: str
    question: str
    value: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: to whom, how, and what became of it."""

    channel: str
    rung: str
    reason: str
    state: str
    committed_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One fact of the case in order."""

    at: datetime
    kind: str
    by: str | None
    facts: dict[str, Any]
    words: str | None


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """A case of the past: facts only."""

    opened_at: datetime
    category: str
    severity: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """The case as its page shows it, top to bottom."""

    case: CaseFacts
    student: Profile
    minor: bool
    last_seen_at: datetime | None
    mode: Mode | None
    deletion_requested: bool
    claimed_by: str | None
    terms: MyTerms | None
    plan: SafetyPlan | None
    answers: tuple[Answered, ...]
    quotes: tuple[Quote, ...]
    shown: tuple[Quote, ...]
    """What the script said since the case was opened: what the student was shown and promised."""
    check_ins: tuple[datetime, ...]
    """When the companion said that it will come back."""
    told: tuple[Told, ...]
    history: tuple[Happened, ...]
    earlier: tuple[EarlierCase, ...]
    opener: str
    """First words to start from."""


async def open_dossier(tx: Tx, case: CaseId, *, at: datetime) -> Dossier:
    """Open a case as a person: stores that it was opened, by whom and when, and returns its page.

    Raises `NotFound` for a case that the acting member of staff may not see, or that is closed.
    """
    facts = await read_case(tx, case)
    key = await subject_key(tx, facts.student_id)
    await note_access(tx, key, facts.student_id, facts.conversation_id, case, Seen.CASE, at=at)
    await tx.conn.execute(
        "update cases set first_opened_at = coalesce(first_opened_at, %s),"
        " acknowledged_at = case when claimed_by = %s then %s else acknowledged_at end where id = %s",
        (at, tx.who.account_id, at, case),
    )
    await record(tx, case, "looked", at=at)
    student = beside(tx, facts.student_id)
    profile = await read_profile(tx, facts.student_id)
    messages = await _messages(tx, key, facts.conversation_id)
    mode, deletion, triage, seen = await _conversation(tx, key, facts.conversation_id)
    history, earlier = await _history(tx, key, case), await _earlier(tx, facts)
    return Dossier(
        case=facts,
        student=profile,
        minor=profile.age_band in MINORS,
        last_seen_at=seen,
        mode=mode,
        deletion_requested=deletion,
        claimed_by=await colleague_name(tx, facts.claimed_by) if facts.claimed_by else None,
        terms=await read_terms(student, key),
        plan=await read_plan(student, key),
        answers=_answers(history, profile.language, profile.time_zone),
        quotes=_around_flagged(messages),
        shown=tuple(quote for quote in messages if quote.author == "script" and quote.at >= facts.opened_at),
        check_ins=tuple(entry.at for entry in triage.check_ins) if triage else (),
        told=await _told(tx, case),
        history=tuple(entry for entry in history if entry.kind not in ("answer", "looked")),
        earlier=earlier,
        opener=opener(
            facts.category,
            facts.severity,
            returning=bool(earlier),
            name=profile.name,
            me=await colleague_name(tx, require_staff(tx)),
            campus=await _campus_name(tx),
        ),
    )


async def open_transcript(tx: Tx, case: CaseId, *, at: datetime) -> tuple[Quote, ...]:
    """Return the whole conversation, oldest first; stored as a look of its own. Raises `NotFound`."""
    facts, key = await _look(tx, case, Seen.TRANSCRIPT, at)
    return tuple(await _messages(tx, key, facts.conversation_id))


@dataclass(frozen=True, slots=True)
class Judged:
    """Why a message was flagged: verdict, score and the rules that spoke."""

    message_id: UUID
    at: datetime
    category: str
    severity: str
    score: float
    version: str
    evidence: tuple[dict[str, Any], ...]


async def open_evidence(tx: Tx, case: CaseId, *, at: datetime) -> tuple[Judged, ...]:
    """Return rules and scores of the flagged messages; stored as a look of its own. Raises `NotFound`."""
    facts, key = await _look(tx, case, Seen.EVIDENCE, at)
    return await read_evidence(tx, key, facts.conversation_id)


async def read_evidence(tx: Tx, key: SubjectKey, conversation: ConversationId | None) -> tuple[Judged, ...]:
    """Return the screenings of a conversation that left the ordinary path, oldest first."""
    cursor = await tx.conn.execute(
        "select message_id, created_at, category, severity, score, version, evidence_sealed from screenings"
        " where conversation_id = %s and (crisis or clarify) order by created_at",
        (conversation,),
    )
    return tuple(
        Judged(id_, at, category, severity, score, version, tuple(orjson.loads(key.open(sealed, _evidence(id_)))))
        for id_, at, category, severity, score, version, sealed in await cursor.fetchall()
    )


async def _look(tx: Tx, case: CaseId, what: Seen, at: datetime) -> tuple[CaseFacts, SubjectKey]:
    facts = await read_case(tx, case)
    key = await subject_key(tx, facts.student_id)
    await note_access(tx, key, facts.student_id, facts.conversation_id, case, what, at=at)
    return facts, key


def _evidence(message: UUID) -> str:
    return f"screenings.evidence:{message}"


async def _campus_name(tx: Tx) -> str:
    row = await (
        await tx.conn.execute("select name from institutions where id = %s", (tx.who.institution_id,))
    ).fetchone()
    return str(row[0]) if row else ""


async def _messages(tx: Tx, key: SubjectKey, conversation: ConversationId | None) -> list[Quote]:
    cursor = await tx.conn.execute(
        "select m.id, m.author, m.body_sealed, m.created_at, coalesce(s.crisis or s.clarify, false)"
        " from messages m left join screenings s on s.message_id = m.id where m.conversation_id = %s"
        " order by m.seq, m.part",
        (conversation,),
    )
    return [
        Quote(id_, author, key.open(body, f"messages.body:{id_}"), at, flagged)
        for id_, author, body, at, flagged in await cursor.fetchall()
    ]


def _around_flagged(messages: list[Quote]) -> tuple[Quote, ...]:
    flagged = [index for index, quote in enumerate(messages) if quote.flagged][-FLAGGED_AT_MOST:]
    shown = {near for index in flagged for near in range(index - AROUND, index + AROUND + 1)}
    return tuple(quote for index, quote in enumerate(messages) if index in shown)


async def _conversation(
    tx: Tx, key: SubjectKey, conversation: ConversationId | None
) -> tuple[Mode | None, bool, TriageState | None, datetime | None]:
    cursor = await tx.conn.execute(
        "select mode, delete_requested_at is not null, triage_sealed,"
        " (select max(t.created_at) from turns t where t.conversation_id = c.id) from conversations c where id = %s",
        (conversation,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None, True, None, None
    sealed = row[2]
    triage = (
        TriageState.from_dict(orjson.loads(key.open(sealed, f"conversations.triage:{conversation}")))
        if sealed
        else None
    )
    return Mode(row[0]), row[1], triage, row[3]


async def _history(tx: Tx, key: SubjectKey, case: CaseId) -> list[Happened]:
    cursor = await tx.conn.execute(
        "select e.id, e.at, e.kind, e.actor_id, e.student_id, e.facts, e.body_sealed from case_events e"
        " where e.case_id = %s order by e.at, e.id",
        (case,),
    )
    happened = []
    for id_, at, kind, actor, student, facts, sealed in await cursor.fetchall():
        words = key.open(sealed, f"case_events.body:{id_}") if sealed else None
        happened.append(Happened(at, kind, await _actor(tx, actor, student), facts, words))
    return happened


async def _actor(tx: Tx, actor: UUID | None, student: UUID) -> str | None:
    if actor is None or actor == student:
        return None if actor is None else "student"
    try:
        return await colleague_name(tx, actor)
    except NotFound:
        return None


def _answers(history: list[Happened], language: str, zone: str) -> tuple[Answered, ...]:
    words = words_for(language)
    answers = []
    for entry in history:
        if entry.kind != "answer":
            continue
        item = str(entry.facts["item"])
        asked = f"items.{item}.ask"
        part_of_day = words.part_of_day(entry.at, zone)
        question = words.text(asked, part_of_day=part_of_day) if words.has(asked) else item
        value = str(entry.facts.get("value", ""))
        label = entry.words if entry.words is not None else words.choice(item, value).label
        answers.append(Answered(item, question, value, label, entry.at))
    return tuple(answers)


async def _told(tx: Tx, case: CaseId) -> tuple[Told, ...]:
    cursor = await tx.conn.execute(
        "select channel, rung, reason, state, created_at, sent_at, last_error from deliveries where case_id = %s"
        " order by created_at, id",
        (case,),
    )
    return tuple(Told(*row) for row in await cursor.fetchall())


async def _earlier(tx: Tx, facts: CaseFacts) -> tuple[EarlierCase, ...]:
    cursor = await tx.conn.execute(
        "select opened_at, category, severity, outcome from cases where student_id = %s and id <> %s"
        " order by opened_at desc limit 10",
        (facts.student_id, facts.id),
    )
    return tuple(EarlierCase(*row) for row in await cursor.fetchall())
