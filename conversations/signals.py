"""What a student's data says, rather than their words: a questionnaire's item, a run of low moods.

A signal may ask, in the script's fixed words. It opens no case and calls nobody; the student's answers do.
"""

from __future__ import annotations

from datetime import datetime

from procrastinate import App

from conversations import history
from conversations.script_store import store_step, take_number
from conversations.snapshot import read_snapshot
from core.ids import ConversationId
from db.access import Tx
from safety.policy import Signal, TurnKind, load_policy, signal_turn
from safety.script import gentle_check_in, open_screener
from tools.people.people import require_student

BUSY = "select id from conversations where student_id = %s and mode in ('triage', 'live_person') order by updated_at desc limit 1"
NEWEST = """
select id from conversations where student_id = %s and mode = 'ordinary' and delete_requested_at is null
order by updated_at desc limit 1
"""
SCORES = "select score from mood_logs where student_id = %s and logged_at > %s and logged_at <= %s order by logged_at desc, id desc limit %s"


async def take_signal(tx: Tx, jobs: App, signal: Signal, *, at: datetime) -> ConversationId:
    """Let the script ask the acting student about a signal; returns the conversation in which it stands.

    While the script or a person already has the student, nothing is asked beside them. A screener begins a conversation
    of its own; a gentle check-in goes where the student last was.
    """
    student = require_student(tx)
    row = await (await tx.conn.execute(BUSY, (student,))).fetchone()
    if row is not None:
        return ConversationId(row[0])
    screens = signal_turn(signal) is not TurnKind.CHECK_IN
    row = None if screens else await (await tx.conn.execute(NEWEST, (student,))).fetchone()
    conversation = ConversationId(row[0]) if row else await history.begin(tx, at=at)
    snapshot = await read_snapshot(tx, conversation, at)
    step = open_screener(snapshot.facts, at) if screens else gentle_check_in(signal, snapshot.facts, at)
    state = step.state if screens else snapshot.triage  # A follow-up still to come is not lost to a question.
    if await take_number(tx, snapshot, step.mode, state, at=at):
        await store_step(tx, jobs, snapshot, step, at=at)
    return conversation


async def low_mood_began(tx: Tx, *, at: datetime) -> bool:
    """Whether the acting student's newest mood entry at a moment makes their moods low for a while that were not so before it."""
    low = load_policy().low_mood
    cursor = await tx.conn.execute(SCORES, (require_student(tx), at - low.within, at, low.entries + 1))
    newest = [score for (score,) in await cursor.fetchall()]
    return low.holds(newest) and not low.holds(newest[1:])
