"""What follows from an event of a student's data: a gentle question in the chat, closer listening, the next event.

Nothing here opens a case or calls anybody. The companion asks by itself only where the student lets it, seldom, and never
long after the fact; while the script or a person has the student, it does not ask at all.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from conversations.signals import low_mood_began, take_signal
from core.errors import NotFound
from db.access import Tx
from safety.policy import Signal
from tools.academic.desk import look_in
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk
from tools.events.handling import Reactions, add_events
from tools.events.outbox import Event, EventKind, emit, rules
from tools.events.signals import may_check_in, raise_signal
from tools.people.keys import student_key
from tools.people.people import own_zone, require_student
from tools.people.uses import CHECK_IN, allows
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import Entry, entries_since, read_entry
from tools.wellness.instruments.scoring import is_poor, watched

KIND_OF = {
    Signal.MOOD_LOW_SUSTAINED: "mood", Signal.MOOD_DROP: "mood", Signal.SLEEP_POOR: "logs", Signal.STRESS_HIGH: "tasks",
}  # fmt: skip
"""The kind of data a question is about, as the student's consents name it."""
BEFORE = """
select score from mood_logs where student_id = %s and logged_at < %s and logged_at >= %s order by logged_at desc limit 1
"""


async def mood_logged(desk: Desk, tx: Tx, event: Event) -> None:
    """Ask after a run of low moods; tell about a fall."""
    in_chat = event.facts.get("in_chat", False)  # The turn asks by itself, after its reply.
    if not in_chat and await low_mood_began(tx, at=event.at):
        await _ask(desk, tx, event, Signal.MOOD_LOW_SUSTAINED)
    since = event.at - timedelta(hours=rules()["mood"]["shift_hours"])
    cursor = await tx.conn.execute(BEFORE, (require_student(tx), event.at, since))
    row = await cursor.fetchone()
    if row is not None and abs(row[0] - event.facts["score"]) >= rules()["mood"]["shift_points"]:
        facts = {"from": row[0], "to": event.facts["score"]}
        await emit(tx, await student_key(tx), EventKind.MOOD_SHIFT, event.about, at=event.at, facts=facts)


async def mood_shift(desk: Desk, tx: Tx, event: Event) -> None:
    """Listen closely after a fall, and ask."""
    if event.facts["from"] - event.facts["to"] >= rules()["mood"]["shift_points"]:
        await raise_signal(tx, await student_key(tx), Signal.MOOD_DROP, at=event.at)
        await _ask(desk, tx, event, Signal.MOOD_DROP)


async def instrument_submitted(desk: Desk, tx: Tx, event: Event) -> None:
    """Listen closely after a watched answer, which the script has asked about already; count poor nights."""
    key = await student_key(tx)
    try:
        entry = await read_entry(tx, key, UUID(event.facts["entry"]))
    except NotFound:
        return  # Deleted by the student since.
    made = definition(entry.instrument)
    watch = watched(made, entry.answers)
    if watch is not None:
        await raise_signal(tx, key, watch.signal, at=event.at)
    if made.poor and is_poor(made, entry.answers):
        figures = rules()["sleep"]
        nights = await entries_since(tx, key, made.id, entry.day - timedelta(days=figures["within_days"] - 1))
        poor = [night for night in nights if night.day <= entry.day and is_poor(made, night.answers)]
        if len(poor) >= figures["poor_nights"]:
            await emit(tx, key, EventKind.SLEEP_POOR, _week(entry), at=event.at, facts={"nights": len(poor)})


async def sleep_poor(desk: Desk, tx: Tx, event: Event) -> None:
    """Listen closely while nights are poor, and ask."""
    await raise_signal(tx, await student_key(tx), Signal.SLEEP_POOR, at=event.at)
    await _ask(desk, tx, event, Signal.SLEEP_POOR)


async def stress_high(desk: Desk, tx: Tx, event: Event) -> None:
    """Listen closely while weeks are full, and ask."""
    await raise_signal(tx, await student_key(tx), Signal.STRESS_HIGH, at=event.at)
    await _ask(desk, tx, event, Signal.STRESS_HIGH)


async def recalculate(desk: Desk, tx: Tx, event: Event) -> None:
    """Work out again how full the student's week is; tell, once a day, that it is very full."""
    now, zone = desk.clock.now(), await own_zone(tx)
    score = (await look_in(tx, now)).pressure.score
    if score is not None and score >= rules()["academic_stress"]["high"]:
        day = now.astimezone(zone).date()
        await emit(tx, await student_key(tx), EventKind.ACADEMIC_STRESS_HIGH, day, at=now, facts={"score": score})


async def _ask(desk: Desk, tx: Tx, event: Event, signal: Signal) -> None:
    """Ask in the chat, where the student lets the companion, and not too often."""
    late = desk.clock.now() - event.at > timedelta(hours=rules()["check_ins"]["latest_hours"])
    if not late and await allows(tx, KIND_OF[signal], CHECK_IN) and await may_check_in(tx, at=desk.clock.now()):
        await take_signal(tx, desk.jobs, signal, at=desk.clock.now())


def _week(entry: Entry) -> str:
    year, week, _ = entry.day.isocalendar()
    return f"{year}-W{week:02}"


def add_reactions(app: WorkerApp) -> None:
    """Register the job that acts on events."""
    add_events(app, REACTIONS)


REACTIONS: Reactions = {
    EventKind.MOOD_LOGGED: mood_logged,
    EventKind.MOOD_SHIFT: mood_shift,
    EventKind.INSTRUMENT_SUBMITTED: instrument_submitted,
    EventKind.SLEEP_POOR: sleep_poor,
    EventKind.ACADEMIC_STRESS_HIGH: stress_high,
    EventKind.ASSIGNMENT_OVERDUE: recalculate,
    EventKind.TASK_COMPLETION_PATTERN: recalculate,
}
