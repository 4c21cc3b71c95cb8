"""What a counselor does to a case. Every act is a stored fact; a case always has somebody who answers for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from procrastinate import App

from core.errors import Conflict, InvalidInput, NotFound
from core.ids import AccountId, CaseId, ConversationId, StudentId
from db.access import Tx
from safety.policy import Tier, load_policy
from safety.types import Category, Severity
from tools.care.cases import record
from tools.care.ladder import COLLEAGUE, call, commit, due_at, ring
from tools.people.keys import subject_key
from tools.people.people import require_staff

TAKEN = "Somebody else has this case already. Open it to see who."
NOT_YOURS = "Claim this case first; then it is yours to act on."
CLOSED = "This case is closed."
READ = """
select id, student_id, conversation_id, category, severity, tier, status, claimed_by, offered_to, opened_at, closed_at,
       confidential
from cases where id = %s
"""
READ_AND_LOCK = f"{READ} for update"


class Outcome(StrEnum):
    """How a case ended. Only a misread is a false alarm."""

    CONTACTED = "contacted"
    WELFARE_CONFIRMED = "welfare_confirmed"
    REFERRED = "referred"
    EMERGENCY_SERVICES = "emergency_services"
    HOSPITALISED = "hospitalised"
    UNREACHABLE = "unreachable"
    DECLINED_HELP = "declined_help"
    DENIED = "denied"
    """The student says it was not so. Not a negative label: it may have been true."""
    TRUE_BUT_LOW = "true_but_low"
    MISREAD = "misread"
    DUPLICATE = "duplicate"
    TEST = "test"

    @property
    def had_contact(self) -> bool:
        """Whether a person was in contact with the student."""
        return self in _CONTACT


_CONTACT = frozenset(
    {
        Outcome.CONTACTED, Outcome.WELFARE_CONFIRMED, Outcome.REFERRED, Outcome.EMERGENCY_SERVICES,
        Outcome.HOSPITALISED, Outcome.DECLINED_HELP, Outcome.DENIED, Outcome.TRUE_BUT_LOW,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case as staff act on it."""

    id: CaseId
    student_id: StudentId
    conversation_id: ConversationId | None
    category: Category
    severity: Severity
    tier: Tier
    status: str
    claimed_by: AccountId | None
    offered_to: AccountId | None
    opened_at: datetime
    closed_at: datetime | None
    confidential: bool


async def read_case(tx: Tx, case: CaseId, *, lock: bool = False) -> CaseFacts:
    """Return a case that the acting member of staff may see; raises `NotFound` for any other."""
    require_staff(tx)
    cursor = await tx.conn.execute(READ_AND_LOCK if lock else READ, (case,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such case.")
    return CaseFacts(
        CaseId(row[0]),
        StudentId(row[1]),
        ConversationId(row[2]) if row[2] else None,
        Category(row[3]),
        Severity(row[4]),
        Tier(row[5]),
        row[6],
        AccountId(row[7]) if row[7] else None,
        AccountId(row[8]) if row[8] else None,
        row[9],
        row[10],
        row[11],
    )


async def require_mine(tx: Tx, case: CaseId) -> CaseFacts:
    """Lock and return a case that the acting counselor has claimed; raises `NotFound`, `Conflict`."""
    facts = await read_case(tx, case, lock=True)
    if facts.status == "closed":
        raise Conflict(CLOSED)
    if facts.claimed_by != require_staff(tx):
        raise Conflict(NOT_YOURS)
    return facts


async def claim(tx: Tx, case: CaseId, *, at: datetime) -> CaseFacts:
    """Take a case on: one wins, everybody else gets `Conflict`; claiming one's own case again changes nothing.

    Whoever a colleague offered the case to may take it over from them.
    """
    me = require_staff(tx)
    taken = await tx.conn.execute(
        "update cases set claimed_by = %s, claimed_at = %s, acknowledged_at = %s, offered_to = null,"
        " status = case when status = 'live' then 'live' else 'claimed' end"
        " where id = %s and status <> 'closed' and (claimed_by is null or offered_to = %s)",
        (me, at, at, case, me),
    )
    facts = await read_case(tx, case)
    if taken.rowcount == 1:
        await record(tx, case, "claimed", at=at)
        await ring(tx)
    elif facts.status == "closed":
        raise Conflict(CLOSED)
    elif facts.claimed_by != me:
        raise Conflict(TAKEN)
    else:
        await acknowledge(tx, case, at=at)
    return facts


async def acknowledge(tx: Tx, case: CaseId, *, at: datetime) -> None:
    """Store that the person who has the case is on it: the ladder stops."""
    await tx.conn.execute(
        "update cases set acknowledged_at = %s where id = %s and claimed_by = %s", (at, case, tx.who.account_id)
    )


async def release(tx: Tx, jobs: App, case: CaseId, *, at: datetime) -> None:
    """Give a case back. It is nobody's then, so people are called anew at its tier."""
    facts = await require_mine(tx, case)
    if facts.status == "live":
        raise Conflict("You are in the conversation. Hand it back first, so that the student is not left in silence.")
    if facts.confidential and not await _is_confidential(tx):
        raise Conflict(
            "This case is for confidential staff only. Transfer it to one of them; it stays yours until then."
        )
    await tx.conn.execute(
        "update cases set claimed_by = null, claimed_at = null, offered_to = null, status = 'open', due_at = %s"
        " where id = %s",
        (await due_at(tx, facts.tier, at), case),
    )
    await record(tx, case, "released", at=at)
    await call(beside(tx, facts.student_id), jobs, case, facts.tier, "released", at=at)


async def set_writing(tx: Tx, case: CaseId, *, at: datetime) -> None:
    """Store that the person who has the case is typing at this moment."""
    await require_mine(tx, case)
    await tx.conn.execute("update cases set writing_at = %s, acknowledged_at = %s where id = %s", (at, at, case))


async def add_note(tx: Tx, case: CaseId, text: str, *, at: datetime) -> None:
    """Keep a counselor's note, sealed under the student's key; raises `Conflict` for a closed case."""
    facts = await read_case(tx, case)
    if facts.status == "closed":
        raise Conflict(CLOSED)
    await record(tx, case, "counselor_note", at=at, words=text, key=await subject_key(tx, facts.student_id))


async def regrade(tx: Tx, case: CaseId, severity: Severity, reason: str, *, at: datetime) -> CaseFacts:
    """Set the severity by a counselor's judgement; raises `InvalidInput` when it falls without a reason."""
    facts = await require_mine(tx, case)
    if severity.rank < facts.severity.rank and not reason.strip():
        raise InvalidInput("Say why the severity falls; only a person can lower it, with a reason.")
    await tx.conn.execute("update cases set severity = %s, acknowledged_at = %s where id = %s", (severity, at, case))
    key = await subject_key(tx, facts.student_id)
    changed = {"from": facts.severity, "to": severity}
    await record(tx, case, "regraded", at=at, facts=changed, words=reason.strip() or None, key=key)
    await ring(tx)
    return facts


async def transfer(tx: Tx, jobs: App, case: CaseId, to: AccountId, *, at: datetime) -> None:
    """Offer a case to a colleague. It stays with the one who has it until the colleague claims it."""
    facts = await require_mine(tx, case)
    cursor = await tx.conn.execute(
        "select 1 from accounts where id = %s and role in ('counselor', 'supervisor') and status = 'active'"
        " and not synthetic",
        (to,),
    )
    if await cursor.fetchone() is None or to == tx.who.account_id:
        raise InvalidInput("Choose a colleague of this institution.")
    await tx.conn.execute("update cases set offered_to = %s where id = %s", (to, case))
    await record(tx, case, "offered", at=at, facts={"to": str(to)})
    for channel in load_policy().tiers[Tier.PAGE_NOW].channels:
        if channel != "webhook":
            await commit(
                beside(tx, facts.student_id),
                jobs,
                case,
                channel,
                facts.tier,
                COLLEAGUE,
                "transfer",
                at=at,
                recipient=to,
            )
    await ring(tx)


async def plan_follow_up(tx: Tx, case: CaseId, due: datetime, *, at: datetime) -> None:
    """Store when a person will look at this again; the queue shows it as overdue after that."""
    await require_mine(tx, case)
    if due <= at:
        raise InvalidInput("Choose a moment that is still to come.")
    await tx.conn.execute("update cases set follow_up_at = %s where id = %s", (due, case))
    await record(tx, case, "follow_up_planned", at=at, facts={"due": due.isoformat()})


async def close(tx: Tx, case: CaseId, outcome: Outcome, note: str, *, at: datetime) -> CaseFacts:
    """Close a case with an outcome of the protocol; raises `Conflict` while a person is still in the conversation."""
    facts = await require_mine(tx, case)
    if facts.status == "live":
        raise Conflict("You are still in the conversation. Hand it back first, so that the student is not left alone.")
    key = await subject_key(tx, facts.student_id)
    await record(tx, case, "closed", at=at, facts={"outcome": outcome}, words=note.strip() or None, key=key)
    await tx.conn.execute(
        "update cases set status = 'closed', closed_at = %s, outcome = %s, follow_up_at = null, offered_to = null"
        " where id = %s",
        (at, outcome, case),
    )
    await ring(tx)
    return facts


async def finish_waiting_deletion(tx: Tx, conversation: ConversationId) -> bool:
    """Delete a conversation whose deletion waited for its case; returns whether one waited."""
    cursor = await tx.conn.execute("select finish_deletion(%s)", (conversation,))
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _is_confidential(tx: Tx) -> bool:
    row = await (await tx.conn.execute("select app_is_confidential()")).fetchone()
    return bool(row and row[0])


def beside(tx: Tx, student: StudentId) -> Tx:
    """The same transaction with the student named, for what needs to know whose conversation it is.

    The database still sees a member of staff: row-level security gives no more than before.
    """
    return Tx(tx.conn, replace(tx.who, student_id=student), tx.keys)
