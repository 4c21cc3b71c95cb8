"""What holds while people review a case: true looks, one who answers for it, words that are there."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from conversations import history, live
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.ids import CaseId, ConversationId
from db.access import Acting, Role
from safety.types import Category, Mode, Severity
from tests.integration.care.conftest import CLEAR, WORDS, Campus, add_person, crisis
from tests.integration.care.test_counselor import act, claim, close, look, queue, reply
from tools.care import acts
from tools.care.access import Seen, accesses
from tools.care.delivery import WorkerApp
from tools.care.dossier import open_evidence, open_transcript
from tools.care.dossier.said import UNREADABLE
from tools.care.dossier.standing import newer_messages
from tools.care.outcomes import Outcome
from tools.care.queue import colleagues


@pytest.fixture
async def vera(campus: Campus) -> Acting:
    return await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)


def make_confidential(campus: Campus, who: Acting) -> None:
    campus.change(
        "insert into staff (account_id, institution_id, confidential) values (%s, %s, true)",
        who.account_id, who.institution_id,
    )  # fmt: skip


async def looks_of(campus: Campus, conversation: ConversationId | None) -> list[tuple[str, Seen]]:
    found = await act(campus, campus.people.maya, lambda tx: accesses(tx, conversation))
    return [(entry.who, entry.what) for entry in found]


async def test_a_reply_or_a_note_without_words_is_refused(campus: Campus) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    for blank in ("", "  \n"):
        with pytest.raises(InvalidInput):
            await reply(campus, case, blank)
        with pytest.raises(InvalidInput):
            await act(campus, campus.people.rosa, lambda tx: acts.add_note(tx, case, blank, at=campus.clock.now()))  # noqa: B023  # awaited here
    assert campus.rows("select status from cases") == [{"status": "claimed"}]
    assert campus.rows("select 1 from case_events where kind = 'counselor_note'") == []


async def test_a_closed_case_stays_closed_when_the_student_has_another(campus: Campus) -> None:
    first = await campus.case_of(await campus.crisis())
    await claim(campus, first)
    await act(campus, campus.people.rosa, lambda tx: acts.add_note(tx, first, "Old words.", at=campus.clock.now()))
    await close(campus, first, Outcome.CONTACTED)
    second = await campus.case_of(await campus.crisis())
    assert (await look(campus, second)).student.name == "Maya"
    before = await looks_of(campus, None)
    for opens in (open_transcript, open_evidence):
        with pytest.raises(NotFound):
            await act(campus, campus.people.rosa, lambda tx: opens(tx, first, at=campus.clock.now()))  # noqa: B023
    with pytest.raises(NotFound):
        await look(campus, first)
    with pytest.raises(NotFound):
        await newer(campus, first)
    assert await looks_of(campus, None) == before


async def newer(campus: Campus, case: CaseId, after: object = None) -> list[str]:
    found = await act(
        campus, campus.people.rosa, lambda tx: newer_messages(tx, case, after, at=campus.clock.now())  # type: ignore[arg-type]
    )  # fmt: skip
    return [quote.text for quote in found]


async def test_messages_of_an_open_page_belong_to_a_look_that_is_stored(campus: Campus) -> None:
    """Asked for without the page, it is a look; a page that stays open is another one every half hour."""
    conversation = await campus.begin(campus.people.maya)
    await campus.say(conversation, "the first word", CLEAR)
    await campus.say(conversation, "before all this", CLEAR)
    early = campus.rows("select id from messages order by seq limit 1")[0]["id"]
    campus.clock.advance(timedelta(minutes=1))
    await campus.say(conversation, WORDS, crisis())
    case = await campus.case_of(conversation)
    assert WORDS in await newer(campus, case)
    assert await looks_of(campus, conversation) == [("Rosa", Seen.CASE)]
    for _ in range(5):
        campus.clock.advance(timedelta(minutes=5))
        await newer(campus, case)
    assert await looks_of(campus, conversation) == [("Rosa", Seen.CASE)]
    campus.clock.advance(timedelta(minutes=6))
    assert "before all this" not in await newer(campus, case, early)
    assert await looks_of(campus, conversation) == [("Rosa", Seen.CASE)] * 2


async def test_a_confidential_case_is_handed_to_confidential_staff_only(campus: Campus, vera: Acting) -> None:
    make_confidential(campus, campus.people.rosa)
    make_confidential(campus, vera)
    case = await campus.case_of(await campus.crisis(Severity.IMMINENT, Category.ABUSE))
    await claim(campus, case)
    offered = await act(campus, campus.people.rosa, lambda tx: colleagues(tx, confidential=True))
    assert [colleague.name for colleague in offered] == ["Vera"]
    everybody = await act(campus, campus.people.rosa, colleagues)
    assert {colleague.name for colleague in everybody} == {"Sam", "Vera"}
    to_sam, to_vera = campus.people.sam.account_id, vera.account_id
    with pytest.raises(InvalidInput, match="confidential"):
        await act(
            campus,
            campus.people.rosa,
            lambda tx: acts.transfer(tx, campus.jobs, case, to_sam, at=campus.clock.now()),
        )
    assert campus.rows("select offered_to from cases") == [{"offered_to": None}]
    await act(
        campus,
        campus.people.rosa,
        lambda tx: acts.transfer(tx, campus.jobs, case, to_vera, "Sister is on her way.", at=campus.clock.now()),
    )
    page = await look(campus, case, vera)
    assert [entry.words for entry in page.history if entry.kind == "offered"] == ["Sister is on her way."]
    assert b"Sister" not in campus.rows("select body_sealed from case_events where kind = 'offered'")[0]["body_sealed"]


async def test_a_supervisor_takes_over_from_a_colleague_who_has_gone(campus: Campus, vera: Acting) -> None:
    case = await campus.case_of(await campus.crisis())

    async def take(who: Acting, reason: str) -> None:
        await act(campus, who, lambda tx: acts.take_over(tx, case, reason, at=campus.clock.now()))

    with pytest.raises(Conflict):
        await take(vera, "nobody has it")
    await claim(campus, case)
    with pytest.raises(NotAllowed):
        await take(campus.people.sam, "Rosa went home")
    with pytest.raises(InvalidInput):
        await take(vera, " ")
    await take(vera, "Rosa went home")
    assert campus.rows("select claimed_by from cases") == [{"claimed_by": vera.account_id}]
    with pytest.raises(Conflict):
        await reply(campus, case, "still me")
    await reply(campus, case, "Hi, I'm Vera.", vera)
    page = await look(campus, case)
    assert [(entry.by, entry.words) for entry in page.history if entry.kind == "taken_over"] == [
        ("Vera", "Rosa went home")
    ]


async def test_a_claim_that_nothing_follows_comes_back_to_everybodys_eyes(campus: Campus) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    campus.clock.advance(timedelta(minutes=9))
    [entry] = (await queue(campus, campus.people.sam)).entries
    assert (entry.pinned, entry.silent_since) == (False, None)
    claimed = campus.clock.now() - timedelta(minutes=9)
    campus.clock.advance(timedelta(minutes=2))
    [entry] = (await queue(campus, campus.people.sam)).entries
    assert (entry.pinned, entry.silent_since) == (True, claimed)
    await act(campus, campus.people.rosa, lambda tx: acts.add_note(tx, case, "On the phone.", at=campus.clock.now()))
    [entry] = (await queue(campus, campus.people.sam)).entries
    assert (entry.pinned, entry.silent_since) == (False, None)


async def test_a_student_who_waits_for_an_answer_of_a_person_is_seen_in_the_queue(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await reply(campus, case, "Hi Maya.")
    campus.clock.advance(timedelta(minutes=30))
    assert (await queue(campus)).entries[0].silent_since is None, "the student has not written"
    wrote = campus.clock.now()
    await campus.say(conversation, "are you there", CLEAR)
    campus.clock.advance(timedelta(minutes=4))
    [entry] = (await queue(campus)).entries
    assert (entry.pinned, entry.silent_since) == (True, wrote)
    await reply(campus, case, "I am.")
    [entry] = (await queue(campus)).entries
    assert (entry.pinned, entry.silent_since) == (False, None)


async def test_a_duplicate_leaves_the_student_guarded(campus: Campus) -> None:
    """It says that the same crisis has another case, not that there is none."""
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await close(campus, case, Outcome.DUPLICATE)
    assert campus.rows("select mode from conversations") == [{"mode": Mode.GUARDED}]


async def test_the_database_lets_no_severity_fall_but_by_a_person(campus: Campus, worker: WorkerApp) -> None:
    await campus.crisis(Severity.HIGH)
    lower = "update cases set severity = 'low'"
    with pytest.raises(psycopg.errors.RaiseException):
        await act(campus, campus.people.maya, lambda tx: tx.conn.execute(lower))
    service = worker.desk.acting(str(campus.people.maya.institution_id), str(campus.people.maya.account_id))
    with pytest.raises(psycopg.errors.RaiseException):
        async with worker.desk.db.acting(service) as tx:
            await tx.conn.execute(lower)
    assert campus.rows("select severity from cases") == [{"severity": "high"}]


async def test_the_database_knows_no_outcome_but_the_protocols(campus: Campus) -> None:
    await campus.crisis()
    for outcome in ("fine", None):
        with pytest.raises(psycopg.errors.CheckViolation):
            campus.change("update cases set status = 'closed', outcome = %s", outcome)


async def test_a_case_opens_whatever_the_script_left_behind(campus: Campus) -> None:
    """A state of another version, a damaged message: the person who has to act sees all the rest."""
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    campus.change("update conversations set triage_sealed = '\\x00'")
    campus.change("update messages set body_sealed = '\\x00' where author = 'script' and part = 1")
    page = await look(campus, case)
    texts = [quote.text for quote in page.quotes]
    assert WORDS in texts and UNREADABLE in texts
    assert page.shown.promises == ()


async def test_five_turns_around_what_was_flagged_are_quoted(campus: Campus) -> None:
    conversation = await campus.begin(campus.people.maya)
    for number in range(8):
        await campus.say(conversation, f"before {number}", CLEAR)
    await campus.say(conversation, WORDS, crisis())
    page = await look(campus, await campus.case_of(conversation))
    own = [quote.text for quote in page.quotes if quote.author == "student"]
    assert own == [*(f"before {number}" for number in range(3, 8)), WORDS]


async def test_who_opened_a_conversation_is_known_after_it_is_deleted(campus: Campus) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await look(campus, case)
    await claim(campus, case)
    await close(campus, case, Outcome.CONTACTED)
    await act(
        campus,
        campus.people.maya,
        lambda tx: history.delete_conversation(tx, conversation, at=campus.clock.now()),
    )
    assert await looks_of(campus, None) == [("Rosa", Seen.CASE)]
    others = await act(campus, campus.people.jonas, accesses)
    assert others == []


async def test_a_regrade_by_another_than_the_holder_is_refused_even_with_a_reason(campus: Campus, vera: Acting) -> None:
    case = await campus.case_of(await campus.crisis())
    await claim(campus, case)
    for who in (campus.people.sam, vera):
        with pytest.raises(Conflict):
            await act(campus, who, lambda tx: live.regrade(tx, case, Severity.LOW, "looks fine", at=campus.clock.now()))
