"""A counselor's acts: one winner, nobody else's eyes, a silent companion, and states that are true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from psycopg import sql

from conversations import history, live
from core.errors import CompanionError, Conflict, InvalidInput, NotAllowed, NotFound
from core.ids import AccountId, CaseId, ConversationId
from db.access import Acting, Role, Tx
from safety.policy import Tier
from safety.triage.state import TriageStep
from safety.types import Category, Mode, Severity
from tests.integration.care.conftest import CLEAR, WORDS, Campus, add_person, as_student, crisis, drain
from tools.care import acts
from tools.care.access import Seen, accesses
from tools.care.cases import delivery_facts
from tools.care.delivery import WorkerApp
from tools.care.dossier import Dossier, open_dossier, open_evidence, open_transcript
from tools.care.facts import beside
from tools.care.outcomes import Outcome
from tools.care.queue import Queue, read_queue
from tools.people.keys import subject_key

WRONG = ("maya", "jonas", "operator", "stranger", "foreign_counselor")


T = TypeVar("T")


async def act(campus: Campus, who: Acting, what: Callable[[Tx], Awaitable[T]]) -> T:
    """One transaction of one person."""
    async with campus.db.acting(who) as tx:
        return await what(tx)


async def claim(campus: Campus, case: CaseId, who: Acting | None = None) -> None:
    await act(campus, who or campus.people.rosa, lambda tx: acts.claim(tx, case, at=campus.clock.now()))


async def look(campus: Campus, case: CaseId, who: Acting | None = None) -> Dossier:
    return await act(campus, who or campus.people.rosa, lambda tx: open_dossier(tx, case, at=campus.clock.now()))


async def queue(campus: Campus, who: Acting | None = None) -> Queue:
    return await act(campus, who or campus.people.rosa, lambda tx: read_queue(tx, at=campus.clock.now()))


async def reply(campus: Campus, case: CaseId, text: str, who: Acting | None = None) -> None:
    rosa = who or campus.people.rosa
    await act(campus, rosa, lambda tx: live.reply(tx, campus.jobs, case, text, at=campus.clock.now()))


async def hand_back(campus: Campus, case: CaseId, text: str) -> None:
    await act(campus, campus.people.rosa, lambda tx: live.give_back(tx, campus.jobs, case, text, at=campus.clock.now()))


async def close(campus: Campus, case: CaseId, outcome: Outcome, note: str = "") -> bool:
    return await act(campus, campus.people.rosa, lambda tx: live.close(tx, case, outcome, note, at=campus.clock.now()))


async def facts_of(campus: Campus, conversation: ConversationId):  # type: ignore[no-untyped-def]
    found = await act(campus, campus.people.maya, lambda tx: delivery_facts(tx, conversation, at=campus.clock.now()))
    assert found is not None
    return found


async def test_of_many_who_claim_at_once_one_wins(campus: Campus) -> None:
    case = await campus.case_of(await campus.crisis())
    team = [campus.people.rosa, campus.people.sam]
    team += [await add_person(campus.people, "hill", f"c{number}", Role.COUNSELOR) for number in range(4)]
    results = await asyncio.gather(*(claim(campus, case, who) for who in team), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == len(team) - 1
    [row] = campus.rows("select claimed_by, status from cases")
    assert row == {"claimed_by": team[results.index(None)].account_id, "status": "claimed"}
    assert len(campus.rows("select 1 from case_events where kind = 'claimed'")) == 1


@pytest.mark.parametrize("wrong", WRONG)
async def test_the_wrong_person_sees_no_case_and_can_do_nothing_to_it(campus: Campus, wrong: str) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    who, now = getattr(campus.people, wrong), campus.clock.now()
    attempts: list[Callable[[Tx], Awaitable[object]]] = [
        lambda tx: open_dossier(tx, case, at=now),
        lambda tx: open_transcript(tx, case, at=now),
        lambda tx: open_evidence(tx, case, at=now),
        lambda tx: acts.claim(tx, case, at=now),
        lambda tx: acts.add_note(tx, case, "x", at=now),
        lambda tx: acts.regrade(tx, case, Severity.LOW, "because", at=now),
        lambda tx: live.reply(tx, campus.jobs, case, "hello", at=now),
        lambda tx: live.close(tx, case, Outcome.MISREAD, "", at=now),
    ]
    for attempt in attempts:
        with pytest.raises((NotFound, NotAllowed)):
            await act(campus, who, attempt)
    if who.role.is_staff:
        assert (await queue(campus, who)).entries == ()
    [row] = campus.rows("select status, severity, first_opened_at, claimed_by from cases")
    assert row == {"status": "open", "severity": "high", "first_opened_at": None, "claimed_by": None}
    assert campus.rows("select 1 from access_log") == []


@pytest.mark.parametrize("wrong", ("jonas", "operator", "stranger", "foreign_counselor"))
async def test_the_tables_of_a_case_are_empty_for_the_wrong_person(
    campus: Campus, worker: WorkerApp, wrong: str
) -> None:
    """Row-level security alone, without the code above it."""
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await look(campus, case)
    await drain(worker)
    who = getattr(campus.people, wrong)
    async with campus.db.acting(who) as tx:
        for table in (
            "cases", "case_events", "deliveries", "delivery_attempts", "messages", "screenings", "access_log", "turns",
        ):  # fmt: skip
            cursor = await tx.conn.execute(sql.SQL("select 1 from {}").format(sql.Identifier(table)))
            assert await cursor.fetchall() == [], table
        changed = await tx.conn.execute("update cases set severity = 'low'")
        assert changed.rowcount == 0
        with pytest.raises(NotFound):
            await subject_key(tx, campus.people.maya.account_id)


async def test_staff_cannot_open_a_students_other_rows_by_naming_the_student(campus: Campus) -> None:
    """`beside` names the student to the code only: the database still sees a counselor."""
    await campus.crisis()
    async with campus.db.acting(campus.people.rosa) as tx:
        named = beside(tx, campus.people.maya.student_id)  # type: ignore[arg-type]
        for table in ("mood_logs", "entries", "tasks", "tool_calls"):
            cursor = await named.conn.execute("select current_setting('app.student', true)")
            assert await cursor.fetchone() == ("",), table


async def test_a_counselor_sees_nothing_of_a_student_without_an_open_case(campus: Campus) -> None:
    conversation = await campus.begin(campus.people.jonas)
    case = await campus.case_of(await campus.crisis())
    async with campus.db.acting(campus.people.rosa) as tx:
        cursor = await tx.conn.execute("select count(*) from conversations where id = %s", (conversation,))
        assert await cursor.fetchone() == (0,)
        with pytest.raises(NotFound):
            await subject_key(tx, campus.people.jonas.account_id)
    await claim(campus, case)
    await close(campus, case, Outcome.CONTACTED)
    async with campus.db.acting(campus.people.rosa) as tx:
        with pytest.raises(NotFound):
            await subject_key(tx, campus.people.maya.account_id)
        with pytest.raises(NotFound):
            await open_dossier(tx, case, at=campus.clock.now())


async def test_the_queue_puts_the_crisis_first_and_holds_no_words(campus: Campus) -> None:
    low = await campus.case_of(await campus.crisis(Severity.LOW))
    campus.clock.advance(timedelta(minutes=1))
    high = await campus.case_of(await campus.crisis(Severity.HIGH))
    campus.clock.advance(timedelta(minutes=1))
    higher = await campus.case_of(await campus.crisis(Severity.IMMINENT))
    moderate = await campus.case_of(await campus.crisis(Severity.MODERATE))
    campus.clock.advance(timedelta(minutes=5))
    found = await queue(campus)
    assert [entry.id for entry in found.entries] == [higher, high, moderate, low]
    assert [entry.pinned for entry in found.entries] == [True, True, False, False]
    assert (found.unassigned, found.overdue, found.mine) == (4, 2, 0)
    await claim(campus, higher)
    found = await queue(campus)
    assert [entry.id for entry in found.entries] == [high, higher, moderate, low]
    assert (found.unassigned, found.mine, found.entries[1].claimed_by_name) == (3, 1, "Rosa")
    for secret in (WORDS, "pills", "Maya"):
        assert secret not in str(found)


async def test_opening_is_stored_and_the_student_sees_who_opened_what(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await queue(campus)
    assert (await facts_of(campus, conversation)).opened_at is None
    opened = campus.clock.now()
    await look(campus, case)
    assert (await facts_of(campus, conversation)).opened_at == opened
    campus.clock.advance(timedelta(minutes=1))
    await act(campus, campus.people.sam, lambda tx: open_transcript(tx, case, at=campus.clock.now()))
    await act(campus, campus.people.sam, lambda tx: open_evidence(tx, case, at=campus.clock.now()))
    looks = await act(campus, campus.people.maya, lambda tx: accesses(tx, conversation))
    assert [(entry.who, entry.what) for entry in looks] == [
        ("Sam", Seen.EVIDENCE), ("Sam", Seen.TRANSCRIPT), ("Rosa", Seen.CASE),
    ]  # fmt: skip
    assert (await facts_of(campus, conversation)).opened_at == opened


async def test_a_person_writes_and_the_companion_is_silent(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    with pytest.raises(Conflict):
        await reply(campus, case, "hello")
    await claim(campus, case)
    with pytest.raises(Conflict):
        await reply(campus, case, "hello", campus.people.sam)
    await act(campus, campus.people.rosa, lambda tx: acts.set_writing(tx, case, at=campus.clock.now()))
    assert (await facts_of(campus, conversation)).writing_at == campus.clock.now()
    await reply(campus, case, "Hi Maya, I'm Rosa.")
    assert (await campus.texts(conversation))[-1] == ("counselor", "Hi Maya, I'm Rosa.")
    assert [author for author, _ in await campus.texts(conversation)][-2] == "script"
    before = len(await campus.texts(conversation))
    received = await campus.say(conversation, "hello Rosa", CLEAR)
    assert received.path == "live_person"
    assert [author for author, _ in (await campus.texts(conversation))[before:]] == ["student"]
    await reply(campus, case, "I read you.")
    assert [author for author, _ in (await campus.texts(conversation))[before:]] == ["student", "counselor"]
    assert (await facts_of(campus, conversation)).last_person_at == campus.clock.now()


async def test_writing_is_true_only_while_somebody_types(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await act(campus, campus.people.rosa, lambda tx: acts.set_writing(tx, case, at=campus.clock.now()))
    campus.clock.advance(timedelta(seconds=21))
    assert (await facts_of(campus, conversation)).writing_at is None
    await act(campus, campus.people.rosa, lambda tx: acts.set_writing(tx, case, at=campus.clock.now()))
    await reply(campus, case, "Here I am.")
    assert (await facts_of(campus, conversation)).writing_at is None


async def test_handing_back_is_explicit_and_has_a_message(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    with pytest.raises(Conflict):
        await hand_back(campus, case, "bye")
    await reply(campus, case, "Hi.")
    with pytest.raises(InvalidInput):
        await hand_back(campus, case, "  ")
    with pytest.raises(Conflict):
        await act(campus, campus.people.rosa, lambda tx: acts.release(tx, campus.jobs, case, at=campus.clock.now()))
    with pytest.raises(Conflict):
        await close(campus, case, Outcome.CONTACTED)
    await hand_back(campus, case, "Call me any time.")
    state = await campus.state(conversation)
    assert state is not None and state.step is TriageStep.GUARDED and state.human_contact
    author, text = (await campus.texts(conversation))[-1]
    assert author == "script" and "Call me any time." in text
    received = await campus.say(conversation, "thanks", CLEAR)
    assert received.path == "agent" and received.screened is not None and received.screened.mode is Mode.GUARDED


async def test_severity_falls_only_with_a_reason_by_who_has_the_case(campus: Campus) -> None:
    conversation = await campus.crisis(Severity.IMMINENT)
    case = await campus.case_of(conversation)

    def to(severity: Severity, reason: str) -> Callable[[Tx], Awaitable[None]]:
        return lambda tx: live.regrade(tx, case, severity, reason, at=campus.clock.now())

    with pytest.raises(Conflict):
        await act(campus, campus.people.sam, to(Severity.LOW, "spoke on the phone"))
    await claim(campus, case)
    for reason in ("", "   "):
        with pytest.raises(InvalidInput):
            await act(campus, campus.people.rosa, to(Severity.LOW, reason))
    await act(campus, campus.people.rosa, to(Severity.MODERATE, "spoke on the phone, means are gone"))
    state = await campus.state(conversation)
    assert state is not None and state.severity is Severity.MODERATE
    assert campus.rows("select severity from cases") == [{"severity": "moderate"}]
    [event] = campus.rows("select facts, body_sealed from case_events where kind = 'regraded'")
    assert event["facts"] == {"from": "imminent", "to": "moderate"} and b"phone" not in event["body_sealed"]
    await campus.say(conversation, WORDS, crisis(Severity.IMMINENT))
    assert campus.rows("select severity from cases") == [{"severity": "imminent"}]


async def test_a_transferred_case_stays_with_its_holder_until_the_colleague_claims(
    campus: Campus, worker: WorkerApp
) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    sam = campus.people.sam.account_id
    third = await add_person(campus.people, "hill", "vera", Role.COUNSELOR)

    def offer(to: AccountId) -> Callable[[Tx], Awaitable[None]]:
        return lambda tx: acts.transfer(tx, campus.jobs, case, to, at=campus.clock.now())

    for nobody in (campus.people.foreign_counselor.account_id, campus.people.jonas.account_id):
        with pytest.raises(InvalidInput):
            await act(campus, campus.people.rosa, offer(nobody))
    await act(campus, campus.people.rosa, offer(sam))
    await drain(worker)
    assert "sam@hill.example" in {row["recipient"] for row in campus.rows("select recipient from outbox")}
    assert campus.rows("select claimed_by from cases") == [{"claimed_by": campus.people.rosa.account_id}]
    with pytest.raises(Conflict):
        await claim(campus, case, third)
    assert (await queue(campus, campus.people.sam)).entries[0].offered_to_me
    await claim(campus, case, campus.people.sam)
    assert campus.rows("select claimed_by from cases") == [{"claimed_by": sam}]


async def test_notes_follow_ups_and_outcomes_are_facts_without_plain_words(campus: Campus) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    now = campus.clock.now()
    await act(campus, campus.people.rosa, lambda tx: acts.add_note(tx, case, "Roommate is with her.", at=now))
    with pytest.raises(InvalidInput):
        await act(campus, campus.people.rosa, lambda tx: acts.plan_follow_up(tx, case, now, at=now))
    due = now + timedelta(hours=20)
    await act(campus, campus.people.rosa, lambda tx: acts.plan_follow_up(tx, case, due, at=now))
    campus.clock.advance(timedelta(hours=21))
    assert (await queue(campus)).overdue == 1
    page = await look(campus, case)
    assert [entry.words for entry in page.history if entry.kind == "counselor_note"] == ["Roommate is with her."]
    await close(campus, case, Outcome.WELFARE_CONFIRMED, "Saw her in person.")
    assert "oommate" not in str(campus.rows("select facts from case_events"))
    [row] = campus.rows("select status, outcome, closed_at from cases")
    assert row == {"status": "closed", "outcome": "welfare_confirmed", "closed_at": campus.clock.now()}


async def test_after_a_case_is_closed_the_next_crisis_calls_people_again(campus: Campus) -> None:
    """A script that still believes somebody has been told would tell nobody."""
    conversation = await campus.crisis()
    first = await campus.case_of(conversation)
    await claim(campus, first)
    await close(campus, first, Outcome.CONTACTED)
    state = await campus.state(conversation)
    assert state is not None and not state.case_open and state.tier is Tier.NONE and state.human_contact
    campus.clock.advance(timedelta(hours=3))
    await campus.say(conversation, WORDS, crisis())
    second = await campus.case_of(conversation)
    assert second != first
    assert campus.rows("select 1 from deliveries where case_id = %s and channel = 'email'", second)
    assert (await queue(campus)).entries[0].pinned


async def test_a_misread_leaves_the_conversation_as_it_was(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await close(campus, case, Outcome.MISREAD, "a song")
    assert await campus.state(conversation) is None
    assert (await campus.say(conversation, "what's due?", CLEAR)).path == "agent"


async def test_a_deletion_waits_for_the_case_and_leaves_facts_without_words(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)

    async def delete(tx: Tx) -> bool:
        return await history.delete_conversation(tx, conversation, at=campus.clock.now())

    assert await act(campus, campus.people.maya, delete) is False
    await claim(campus, case)
    page = await look(campus, case)
    assert page.deletion_requested
    with pytest.raises(Conflict):
        await reply(campus, case, "hello")
    await act(campus, campus.people.rosa, lambda tx: acts.add_note(tx, case, "Called her.", at=campus.clock.now()))
    assert await close(campus, case, Outcome.CONTACTED, "Spoke for an hour.") is True
    for table in ("conversations", "messages", "screenings", "turns"):
        assert campus.count(table) == 0, table
    [row] = campus.rows("select severity, outcome, conversation_id from cases")
    assert row == {"severity": "high", "outcome": "contacted", "conversation_id": None}
    assert campus.rows("select 1 from case_events where body_sealed is not null") == []
    assert campus.rows("select 1 from case_events where kind = 'closed'")


async def test_closing_one_case_never_deletes_what_the_student_keeps(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    assert await close(campus, case, Outcome.CONTACTED) is False
    assert await campus.texts(conversation)


async def test_confidential_cases_are_seen_by_confidential_staff_alone(campus: Campus) -> None:
    campus.change(
        "insert into staff (account_id, institution_id, confidential) values (%s, %s, true)",
        campus.people.sam.account_id, campus.people.sam.institution_id,
    )  # fmt: skip
    case = await campus.case_of(await campus.crisis(Severity.IMMINENT, Category.ABUSE))
    assert (await queue(campus, campus.people.rosa)).entries == ()
    with pytest.raises(NotFound):
        await look(campus, case, campus.people.rosa)
    [entry] = (await queue(campus, campus.people.sam)).entries
    assert entry.confidential
    assert (await look(campus, case, campus.people.sam)).student.name == "Maya"


async def test_the_students_own_words_among_the_answers_are_sealed(campus: Campus) -> None:
    """The short plan asks for the student's words: they are no facts of the protocol."""
    from safety.triage.step import RecordAnswer  # noqa: PLC0415
    from tools.care.escalation import apply_effects  # noqa: PLC0415

    conversation = await campus.crisis()
    secret = "sit with Priya in the kitchen"
    effects = (RecordAnswer("pl_step", secret), RecordAnswer("thoughts", "yes"), RecordAnswer("unheard_of", secret))
    await act(
        campus,
        campus.people.maya,
        lambda tx: apply_effects(tx, campus.jobs, conversation, effects, at=campus.clock.now()),
    )
    assert "Priya" not in str(campus.rows("select facts, body_sealed from case_events"))
    page = await look(campus, await campus.case_of(conversation))
    assert [entry.label for entry in page.answers if entry.item == "pl_step"] == [secret]


async def test_a_member_of_staff_cannot_pass_as_a_student(campus: Campus) -> None:
    """Naming a student in the acting person is the worker's; no token of staff holds one."""
    access = campus.people.accounts.access
    token, _ = access.issue(as_student(campus.people.rosa, campus.people.maya.account_id))
    assert access.read(token).student_id is None


async def test_every_refusal_has_a_word_for_the_person(campus: Campus) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    with pytest.raises(CompanionError, match="Somebody else has this case"):
        await claim(campus, case, campus.people.sam)
