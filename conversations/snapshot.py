"""What intake must know of a conversation before it can screen a message: read in one short transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agents.state import PastMessage
from conversations.stored_state import from_the_case, read_stored
from core.crypto import SubjectKey, Unreadable
from core.errors import NotFound
from core.ids import ConversationId
from core.logs import get_logger
from db.access import Tx
from safety.disclosure import Law, UseFacts, law_for
from safety.policy import Signal, load_policy
from safety.triage.facts import DeliveryFacts, StudentFacts
from safety.triage.state import TriageState
from safety.types import Category, Mode, PriorTurn, ScreeningContext, Severity
from tools.care.cases import delivery_facts
from tools.care.staffing import staffing
from tools.care.terms import for_script, read_terms
from tools.events.signals import read_signals
from tools.people.keys import student_key
from tools.people.people import MINORS

WINDOW = 40
"""Messages that screening may look back on; the reply uses the newest of them. A turn's cost does not grow."""

log = get_logger("conversations.snapshot")
NEWEST = 2**31 - 1

CONVERSATION = """
select c.mode, c.triage_sealed, c.summary_sealed, c.next_seq, p.name_sealed, p.age_band, p.region, p.time_zone,
       p.language, i.settings, i.time_zone, i.name,
       exists (select from safety_plans s where s.student_id = c.student_id)
         or exists (select from crisis_terms s where s.student_id = c.student_id),
       exists (select from cases k where k.student_id = c.student_id
               and (k.conversation_id is distinct from c.id or k.status = 'closed')
               and coalesce(k.outcome, '') not in ('misread', 'duplicate', 'test')),
       i.region, p.notice_seen_at,
       (select max(newest.created_at)
        from (select id from conversations where student_id = c.student_id order by updated_at desc limit 3) recent,
             lateral (select created_at from turns where conversation_id = recent.id order by seq desc limit 1) newest),
       array(select score from mood_logs where student_id = c.student_id and logged_at > %s
             order by logged_at desc, id desc limit %s),
       c.delete_requested_at is not null,
       (select g.signals_sealed from student_signals g where g.student_id = c.student_id)
from conversations c
join profiles p on p.account_id = c.student_id
join institutions i on i.id = c.institution_id
where c.id = %s and c.student_id = %s and (c.delete_requested_at is null or %s)
"""
MESSAGES = """
select m.id, m.author, m.body_sealed, m.created_at, s.severity, s.category, t.path is distinct from 'agent'
from messages m
left join screenings s on s.message_id = m.id
left join turns t on t.id = m.turn_id
where m.conversation_id = %s and m.seq < %s order by m.seq desc, m.part desc limit %s
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The conversation as it stood when it was read."""

    conversation_id: ConversationId
    key: SubjectKey
    mode: Mode
    triage_sealed: bytes | None
    triage: TriageState | None
    """Where the script stands. Of a state that cannot be read, what the open case says; None where there is none."""
    triage_unreadable: bool
    """A state is stored that this version cannot read: nothing may be taken for ordinary."""
    next_seq: int
    deletion_requested: bool
    """The student deleted it, and it waits for its case: they no longer see what is said here."""
    history: tuple[PastMessage, ...]
    """What a reply may look back on: messages that went the ordinary way, and the companion's replies."""
    prior: tuple[PriorTurn, ...]
    summary: str
    name: str
    facts: StudentFacts
    use: UseFacts
    signals: tuple[str, ...] = ()
    """What the student's data says; it lowers thresholds and never pages."""

    @property
    def region(self) -> str | None:
        """Where the student is: what they said in the script, else their settings."""
        return self.triage.region if self.triage is not None else self.facts.region

    @property
    def law(self) -> Law:
        """The rules of the campus's region and of where the student is."""
        return law_for(self.facts.campus_region, self.region)

    @property
    def context(self) -> ScreeningContext:
        """What screening may know besides the words."""
        return ScreeningContext(
            prior=self.prior, mode=self.mode, language=self.facts.language, data_signals=self.signals
        )


async def read_snapshot(
    tx: Tx, conversation: ConversationId, now: datetime, *, before: int = NEWEST, even_deleted: bool = False
) -> Snapshot:
    """Read the conversation of the acting student up to a turn; raises `NotFound` for anybody else's.

    One whose deletion waits for a case counts as gone, but for what has to go on there as long as the case is open.
    """
    low = load_policy().low_mood
    asked = (now - low.within, low.entries, conversation, tx.who.student_id, even_deleted)
    row = await (await tx.conn.execute(CONVERSATION, asked)).fetchone()
    if row is None:
        raise NotFound("There is no such conversation.")
    key = await student_key(tx)
    messages = await (await tx.conn.execute(MESSAGES, (conversation, before, WINDOW))).fetchall()
    history, prior = _read_messages(key, messages[::-1])
    triage, unreadable = read_stored(key, row[1], conversation)
    staff = staffing(row[9], row[10], now)
    facts = StudentFacts(
        language=row[8],
        region=row[6],
        campus_region=row[14],
        zone=row[7],
        minor=row[5] in MINORS,
        has_plan=row[12],
        staffed_now=staff.now,
        next_staffed=staff.next_at,
        shifts=staff.shifts,
        earlier_case=row[13],
    )
    if unreadable:
        triage = await from_the_case(tx, conversation, Mode(row[0]), facts, now)
    if triage is not None:
        facts = replace(
            facts,
            delivery=await delivery_facts(tx, conversation) or DeliveryFacts(),
            crisis_terms=for_script(await read_terms(tx, key)),
        )
    return Snapshot(
        conversation_id=conversation,
        key=key,
        mode=Mode(row[0]),
        triage_sealed=row[1],
        triage=triage,
        triage_unreadable=unreadable,
        next_seq=row[3],
        deletion_requested=row[18],
        history=history,
        prior=prior,
        summary=key.open(row[2], f"conversations.summary:{conversation}") if row[2] else "",
        name=key.open(row[4], f"profiles.name:{tx.who.student_id}"),
        facts=facts,
        use=UseFacts(last_at=row[16], notified_at=row[15], minor=facts.minor),
        signals=_signals(key, row[19], tx.who.student_id, now, low=low.holds(row[17])),
    )


def _signals(key: SubjectKey, sealed: bytes | None, student: object, now: datetime, *, low: bool) -> tuple[str, ...]:
    """What the data says; signals that cannot be read count as one, so that thresholds are lowered all the same."""
    try:
        found = read_signals(key, sealed, student, now)
    except (Unreadable, ValueError, AttributeError) as error:
        log.error("signals_unreadable", exc_info=error)
        found = ("unreadable",)
    return (*((Signal.MOOD_LOW_SUSTAINED.value,) if low else ()), *found)


def _read_messages(
    key: SubjectKey, rows: list[tuple[Any, ...]]
) -> tuple[tuple[PastMessage, ...], tuple[PriorTurn, ...]]:
    history: list[PastMessage] = []
    prior: list[PriorTurn] = []
    for message_id, author, body, at, severity, category, apart in rows:
        text = key.open(body, f"messages.body:{message_id}")
        # What was said to or by the script or a person stays out of a model's sight for good, however harmless the words.
        if author in ("student", "companion") and not apart:
            history.append(PastMessage(author, text, at))
        role = "companion" if author == "script" else author
        prior.append(PriorTurn(role, text, Severity(severity or "none"), Category(category or "none")))
    return tuple(history), tuple(prior)
