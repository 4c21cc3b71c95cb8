"""What a counselor does to a case. Every act is a stored fact; a case always has somebody who answers for it."""

from __future__ import annotations

from datetime import datetime

from procrastinate import App

from core.errors import Conflict, InvalidInput, NotAllowed
from core.ids import AccountId, CaseId, ConversationId
from db.access import Role, Tx
from safety.policy import Tier, load_policy
from safety.types import Severity
from tools.care.cases import record
from tools.care.facts import CLOSED, CaseFacts, beside, read_case, require_mine
from tools.care.ladder import COLLEAGUE, call, commit, due_at, ring
from tools.care.outcomes import Outcome
from tools.people.keys import subject_key
from tools.people.people import require_staff

TAKEN = "Somebody else has this case already. Open it to see who."
COLLEAGUE_OF_THE_CASE = """
select 1 from accounts a left join staff s on s.account_id = a.id
where a.id = %(account)s and a.role in ('counselor', 'supervisor') and a.status = 'active' and not a.synthetic
  and (not %(confidential)s or coalesce(s.confidential, false))
"""


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
    elif facts.closed:
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
    """Keep a counselor's note, sealed under the student's key; raises `InvalidInput` without words, `Conflict`."""
    facts = await read_case(tx, case)
    if facts.closed:
        raise Conflict(CLOSED)
    if not text.strip():
        raise InvalidInput("Write a few words first.")
    await record(tx, case, "counselor_note", at=at, words=text.strip(), key=await subject_key(tx, facts.student_id))


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


async def take_over(tx: Tx, case: CaseId, reason: str, *, at: datetime) -> CaseFacts:
    """Take a case from whoever has it, for a supervisor whose colleague has gone: nobody waits for who is not there.

    Raises `NotAllowed` for anybody but a supervisor, `InvalidInput` without a reason, `Conflict` when nobody has it.
    """
    me = require_staff(tx)
    if tx.who.role is not Role.SUPERVISOR:
        raise NotAllowed("A supervisor takes a case over; ask the colleague who has it to hand it to you.")
    facts = await read_case(tx, case, lock=True)
    if facts.closed:
        raise Conflict(CLOSED)
    if facts.claimed_by is None or facts.claimed_by == me:
        raise Conflict("Nobody else has this case: claim it.")
    if not reason.strip():
        raise InvalidInput("Say why you take it over; your colleague reads it.")
    await tx.conn.execute(
        "update cases set claimed_by = %s, claimed_at = %s, acknowledged_at = %s, offered_to = null where id = %s",
        (me, at, at, case),
    )
    key = await subject_key(tx, facts.student_id)
    taken = {"from": str(facts.claimed_by)}
    await record(tx, case, "taken_over", at=at, facts=taken, words=reason.strip(), key=key)
    await ring(tx)
    return facts


async def transfer(tx: Tx, jobs: App, case: CaseId, to: AccountId, note: str = "", *, at: datetime) -> None:
    """Offer a case to a colleague with what they must know. It stays with the one who has it until it is claimed.

    A confidential case goes to confidential staff only: anybody else could not even open it. Raises `InvalidInput`.
    """
    facts = await require_mine(tx, case)
    asked = {"account": to, "confidential": facts.confidential}
    if await (await tx.conn.execute(COLLEAGUE_OF_THE_CASE, asked)).fetchone() is None or to == tx.who.account_id:
        kind = "a confidential colleague" if facts.confidential else "a colleague"
        raise InvalidInput(f"Choose {kind} of this institution.")
    await tx.conn.execute("update cases set offered_to = %s where id = %s", (to, case))
    key = await subject_key(tx, facts.student_id)
    await record(tx, case, "offered", at=at, facts={"to": str(to)}, words=note.strip() or None, key=key)
    named = beside(tx, facts.student_id)
    for channel in load_policy().tiers[Tier.PAGE_NOW].channels:
        if channel != "webhook":
            await commit(named, jobs, case, channel, facts.tier, COLLEAGUE, "transfer", at=at, recipient=to)
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
