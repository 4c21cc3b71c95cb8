"""A counselor in the conversation: joins, writes, hands back, closes. The companion is silent meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from procrastinate import App

from conversations.script_store import seal_state, store_message, store_step, take_number, unread
from conversations.snapshot import Snapshot, read_snapshot
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import CaseId, ConversationId
from db.access import Tx
from safety.policy import Tier
from safety.script import counselor_regrades, counselor_takes_over, hand_back, open_follow_up
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Mode, Severity
from tools.care import acts
from tools.care.acts import finish_waiting_deletion
from tools.care.cases import record
from tools.care.facts import CaseFacts, beside, read_case, require_mine
from tools.care.ladder import ring
from tools.care.outcomes import Outcome
from tools.care.rules import keep_rules

GONE = "The student deleted this conversation and no longer sees it. Reach them another way; the case stays yours."
BUSY = "The student wrote at the same moment. Read it, then send again."


async def reply(tx: Tx, jobs: App, case: CaseId, text: str, *, at: datetime) -> None:
    """Write to the student as a person; the first time, the companion says that a counselor has joined and falls silent.

    Raises `InvalidInput` without words, `NotFound`, `Conflict` for a case that is not the acting counselor's or a
    conversation that is gone.
    """
    facts = await hold(tx, case)
    if not text.strip():
        raise InvalidInput("Write a few words first.")
    tx = beside(tx, facts.student_id)
    snapshot = await _snapshot(tx, facts, at)
    step = _joining(snapshot, facts, at)
    if not await take_number(tx, snapshot, Mode.LIVE_PERSON, step.state if step else snapshot.triage, at=at):
        raise Conflict(BUSY)
    said = len(step.messages) if step else 0
    if step is not None:
        await store_step(tx, jobs, snapshot, step, at=at)
        await record(tx, case, "joined", at=at)
    conversation = snapshot.conversation_id
    await store_message(tx, snapshot.key, conversation, snapshot.next_seq, said + 1, "counselor", text.strip(), at=at)
    await tx.conn.execute(
        "update cases set status = 'live', writing_at = null, last_person_at = %s, acknowledged_at = %s,"
        " first_opened_at = coalesce(first_opened_at, %s) where id = %s",
        (at, at, at, case),
    )
    await ring(tx)


async def give_back(tx: Tx, jobs: App, case: CaseId, message: str, *, at: datetime) -> None:
    """Hand the conversation back to the companion with a message; it goes on guarded.

    Raises `NotFound`, `Conflict` when nobody is in the conversation, `InvalidInput` for an empty message.
    """
    facts = await hold(tx, case)
    tx = beside(tx, facts.student_id)
    if not message.strip():
        raise InvalidInput("Say a word of goodbye: the student reads it before the companion speaks again.")
    snapshot = await _snapshot(tx, facts, at)
    if snapshot.mode is not Mode.LIVE_PERSON or snapshot.triage is None:
        raise Conflict("You are not in the conversation, so there is nothing to hand back.")
    step = hand_back(snapshot.triage, message, snapshot.facts, at)
    if not await take_number(tx, snapshot, step.mode, step.state, at=at):
        raise Conflict(BUSY)
    await store_step(tx, jobs, snapshot, step, at=at)
    await tx.conn.execute(
        "update cases set status = 'claimed', writing_at = null, last_person_at = %s, acknowledged_at = %s where id = %s",
        (at, at, case),
    )
    await record(tx, case, "handed_back", at=at)
    await ring(tx)


async def regrade(tx: Tx, case: CaseId, severity: Severity, reason: str, *, at: datetime) -> None:
    """Set severity of case and script by a counselor's judgement; raises `InvalidInput` when it falls without a reason."""
    await hold(tx, case)
    facts = await acts.regrade(tx, case, severity, reason, at=at)
    state = await _state_of(beside(tx, facts.student_id), facts, at)
    if state is not None:
        snapshot, triage = state
        await _keep(tx, snapshot, snapshot.mode, counselor_regrades(triage, severity, reason.strip() or "raised"), at)


async def close(tx: Tx, case: CaseId, outcome: Outcome, note: str, *, at: datetime) -> bool:
    """Close a case; returns whether a conversation whose deletion waited for it is gone now.

    The script forgets who was told, so that the next crisis calls people anew. What only seemed a crisis leaves the
    conversation as it was before; after any other the companion stays careful.
    """
    facts = await hold(tx, case)
    found = await _state_of(beside(tx, facts.student_id), facts, at)
    if found is not None and facts.status != "live":
        # Before the case is closed: afterwards staff no longer see the conversation.
        snapshot, triage = found
        mode, state = (Mode.ORDINARY, None) if outcome.says_nothing else (Mode.GUARDED, _rested(triage, outcome))
        await _keep(tx, snapshot, mode, state, at)
    await keep_rules(tx, facts)
    await acts.close(tx, case, outcome, note, at=at)
    return facts.conversation_id is not None and await finish_waiting_deletion(tx, facts.conversation_id)


async def hold(tx: Tx, case: CaseId) -> CaseFacts:
    """Lock the case's conversation and then the case, in the order in which a student's message locks them.

    Whoever locked them the other way round would wait for a student who writes at that moment, and they for them.
    Raises `NotFound`, `Conflict` for a case that is not the acting counselor's.
    """
    seen = await read_case(tx, case)
    if seen.conversation_id is not None:
        await tx.conn.execute("select 1 from conversations where id = %s for no key update", (seen.conversation_id,))
    return await require_mine(tx, case)


def _rested(triage: TriageState, outcome: Outcome) -> TriageState:
    return replace(
        triage,
        step=TriageStep.GUARDED,
        item=None,
        case_open=False,
        tier=Tier.NONE,
        flags=frozenset(),
        human_contact=triage.human_contact or outcome.had_contact,
    )


def _joining(snapshot: Snapshot, facts: CaseFacts, at: datetime) -> ScriptStep | None:
    """The step by which a person joins; None when they are in already."""
    triage = snapshot.triage
    if snapshot.mode is Mode.LIVE_PERSON and triage is not None:
        return None
    if triage is None:
        # The script had ended; the case had not.
        triage = open_follow_up(facts.category, facts.severity, snapshot.facts, at).state
    if triage is None:
        raise Conflict(GONE)
    return counselor_takes_over(triage, snapshot.facts, at)


async def _snapshot(tx: Tx, facts: CaseFacts, at: datetime) -> Snapshot:
    if facts.conversation_id is None:
        raise Conflict(GONE)
    try:
        return await read_snapshot(tx, ConversationId(facts.conversation_id), at)
    except NotFound as error:
        raise Conflict(GONE) from error


async def _state_of(tx: Tx, facts: CaseFacts, at: datetime) -> tuple[Snapshot, TriageState] | None:
    if facts.conversation_id is None:
        return None
    try:
        snapshot = await read_snapshot(tx, facts.conversation_id, at)
    except NotFound:
        return None  # Deleted by the student: the script no longer speaks there.
    return (snapshot, snapshot.triage) if snapshot.triage is not None else None


async def _keep(tx: Tx, snapshot: Snapshot, mode: Mode, state: TriageState | None, at: datetime) -> None:
    """Store a state that nothing is said about; the conversation's number guards it like a message would."""
    kept = await tx.conn.execute(
        "update conversations set next_seq = next_seq + 1, mode = %s, triage_sealed = %s, updated_at = %s,"
        " unread_triage_sealed = coalesce(%s, unread_triage_sealed) where id = %s and next_seq = %s",
        (mode, seal_state(snapshot, state), at, unread(snapshot), snapshot.conversation_id, snapshot.next_seq),
    )
    if kept.rowcount == 0:
        raise Conflict(BUSY)
