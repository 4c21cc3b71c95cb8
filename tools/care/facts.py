"""A case as staff act on it: read by whoever may see it, locked by whoever has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import Conflict, NotFound
from core.ids import AccountId, CaseId, ConversationId, StudentId
from db.access import Tx
from safety.policy import Tier
from safety.types import Category, Severity
from tools.people.people import require_staff

NOT_YOURS = "Claim this case first; then it is yours to act on."
CLOSED = "This case is closed."
READ = """
select id, student_id, conversation_id, category, severity, tier, status, claimed_by, offered_to, opened_at, closed_at,
       confidential, follow_up_at, coalesce(newest_category, category)
from cases where id = %s
"""
READ_AND_LOCK = f"{READ} for update"


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
    follow_up_at: datetime | None
    newest_category: Category
    """What the newest words are about; `category` is that of the worst."""

    @property
    def closed(self) -> bool:
        """Whether it is closed: its words are the student's alone again."""
        return self.status == "closed"


async def read_case(tx: Tx, case: CaseId, *, lock: bool = False) -> CaseFacts:
    """Return a case that the acting member of staff may see; raises `NotFound` for any other."""
    require_staff(tx)
    row = await (await tx.conn.execute(READ_AND_LOCK if lock else READ, (case,))).fetchone()
    if row is None:
        raise NotFound("There is no such case.")
    id_, student, conversation, category, severity, tier, status, claimed, offered, opened, closed, *flags = row
    confidential, follow_up, newest = flags
    return CaseFacts(
        CaseId(id_),
        StudentId(student),
        ConversationId(conversation) if conversation else None,
        Category(category),
        Severity(severity),
        Tier(tier),
        status,
        AccountId(claimed) if claimed else None,
        AccountId(offered) if offered else None,
        opened,
        closed,
        confidential,
        follow_up,
        Category(newest),
    )


async def read_open_case(tx: Tx, case: CaseId, *, lock: bool = False) -> CaseFacts:
    """Return a case whose words staff may see; raises `NotFound`, also for a closed one."""
    facts = await read_case(tx, case, lock=lock)
    if facts.closed:
        raise NotFound("This case is closed, and what was said is the student's alone again.")
    return facts


async def require_mine(tx: Tx, case: CaseId) -> CaseFacts:
    """Lock and return a case that the acting counselor has claimed; raises `NotFound`, `Conflict`."""
    facts = await read_case(tx, case, lock=True)
    if facts.closed:
        raise Conflict(CLOSED)
    if facts.claimed_by != require_staff(tx):
        raise Conflict(NOT_YOURS)
    return facts


def beside(tx: Tx, student: StudentId) -> Tx:
    """The same transaction with the student named, for what needs to know whose conversation it is.

    The database still sees a member of staff: row-level security gives no more than before.
    """
    return Tx(tx.conn, replace(tx.who, student_id=student), tx.keys)
