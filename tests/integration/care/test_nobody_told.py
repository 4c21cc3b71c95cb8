"""Where nobody was told, by the policy or by the student's choice, no member of staff sees the case or the conversation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg import sql

from conversations import history
from core.errors import NotFound
from core.ids import ConversationId
from db.access import Acting
from safety.policy import Tier
from safety.types import Category, Severity
from tests.integration.care.conftest import Campus, crisis
from tests.integration.care.test_confidential_channels import make_sam_confidential
from tests.integration.care.test_protocol_states import Story, story
from tests.mutation import seed
from tools.care import ladder, queue
from tools.care.dossier import open_dossier, open_transcript
from tools.care.queue import read_queue

__all__ = ["story"]
OF_A_STUDENT = (
    "conversations", "turns", "messages", "screenings", "cases", "case_events", "deliveries", "case_rules",
    "safety_plans", "crisis_terms",
)  # fmt: skip
FRIEND = crisis(Severity.MODERATE, Category.THIRD_PARTY)
HITS_ME = crisis(Severity.HIGH, Category.ABUSE)


async def seen_by(campus: Campus, who: Acting) -> dict[str, int]:
    """How many rows a member of staff finds, table by table, nothing asked for."""
    found = {}
    async with campus.db.acting(who) as tx:
        for table in OF_A_STUDENT:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
            row = await (await tx.conn.execute(query)).fetchone()
            found[table] = row[0] if row else 0
        keys = "select count(*) from data_keys where subject_id = %s"
        row = await (await tx.conn.execute(keys, (campus.people.maya.account_id,))).fetchone()
        found["data_keys"] = row[0] if row else 0
    return {table: rows for table, rows in found.items() if rows}


async def nobody_sees(campus: Campus, conversation: ConversationId) -> None:
    assert campus.rows("select tier from cases") == [{"tier": Tier.NONE}]
    case = await campus.case_of(conversation)
    for who in (campus.people.rosa, campus.people.sam):
        assert await seen_by(campus, who) == {}
        async with campus.db.acting(who) as tx:
            assert (await read_queue(tx, at=campus.clock.now())).entries == ()
            with pytest.raises(NotFound):
                await open_dossier(tx, case, at=campus.clock.now())
            with pytest.raises(NotFound):
                await open_transcript(tx, case, at=campus.clock.now())


async def test_a_worried_friend_is_seen_by_nobody_until_they_ask(story: Story) -> None:
    await story.say("my friend scares me", FRIEND)
    await story.answer("other")
    await nobody_sees(story.campus, story.conversation)
    await story.answer("want_person")
    async with story.campus.db.acting(story.campus.people.rosa) as tx:
        [entry] = (await read_queue(tx, at=story.campus.clock.now())).entries
        assert entry.tier is Tier.PAGE_NOW
        assert await open_transcript(tx, entry.id, at=story.campus.clock.now())


async def test_a_survivor_who_tells_nobody_is_seen_by_nobody_until_they_choose_again(story: Story) -> None:
    make_sam_confidential(story.campus)
    await story.say("he hits me", HITS_ME)
    await nobody_sees(story.campus, story.conversation)
    await story.answer("yes", "tell_nobody")
    assert "nobody here can open this conversation" in await story.texts()
    await nobody_sees(story.campus, story.conversation)
    await story.say("i have an essay to write")
    await nobody_sees(story.campus, story.conversation)
    await story.answer("want_person")
    assert await seen_by(story.campus, story.campus.people.rosa) == {}
    async with story.campus.db.acting(story.campus.people.sam) as tx:
        [entry] = (await read_queue(tx, at=story.campus.clock.now())).entries
        assert entry.confidential
        assert await open_transcript(tx, entry.id, at=story.campus.clock.now())


async def test_danger_that_comes_later_opens_it(story: Story) -> None:
    make_sam_confidential(story.campus)
    await story.say("he hits me", HITS_ME)
    await story.answer("no")
    assert (await seen_by(story.campus, story.campus.people.sam))["messages"] > 0


async def test_whoever_is_called_can_open_it_whatever_the_effects_before_say(campus: Campus) -> None:
    """A call alone, without the effect that raises the case, must not reach people who then find nothing."""
    conversation = await campus.crisis(Severity.MODERATE, Category.THIRD_PARTY)
    async with campus.db.acting(campus.people.maya) as tx:
        case = await campus.case_of(conversation)
        await ladder.call(tx, campus.jobs, case, Tier.SAME_DAY, "asked", at=campus.clock.now())
    assert campus.rows("select tier from cases") == [{"tier": Tier.SAME_DAY}]


async def test_who_was_told_before_stays_told_and_the_student_reads_that(story: Story) -> None:
    await story.say("i want to die", crisis(Severity.LOW))
    await story.say("and he hits me", HITS_ME)
    await story.answer("yes", "tell_nobody")
    texts = await story.texts()
    assert "can't be taken back" in texts and "nobody here can open" not in texts
    assert story.campus.rows("select tier from cases") == [{"tier": Tier.DIGEST}]


async def test_what_nobody_was_told_of_is_deleted_at_once_with_its_case(campus: Campus) -> None:
    """Nobody could ever close such a case, so no deletion waits for it."""
    conversation = await campus.crisis(Severity.HIGH, Category.ABUSE)
    campus.clock.advance(timedelta(minutes=1))
    async with campus.db.acting(campus.people.maya) as tx:
        assert await history.delete_conversation(tx, conversation, at=campus.clock.now())
    assert [campus.count(table) for table in ("conversations", "messages", "cases", "case_events")] == [0] * 4


STAFF_CASES = """
alter policy staff_cases on cases using (app_is_staff() and institution_id = app_institution()
  and synthetic = app_is_synthetic() and (not confidential or app_is_confidential() or claimed_by = app_account()))
"""
SEES = """
create or replace function {}(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where {} = subject and institution_id = app_institution()
                       and status <> 'closed' and synthetic = app_is_synthetic()
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$
"""
BUGS = {
    "the case": STAFF_CASES,
    "the conversation": SEES.format("staff_sees_conversation", "conversation_id"),
    "the student": SEES.format("staff_sees_student", "student_id"),
    "what belongs to the case": SEES.format("staff_sees_case", "id"),
}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_database_that_shows_what_nobody_was_told_of_is_noticed(story: Story, bug: str) -> None:
    story.campus.change(BUGS[bug])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_a_survivor_who_tells_nobody_is_seen_by_nobody_until_they_choose_again(story)


async def test_the_queue_holds_by_itself_and_one_that_does_not_is_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await campus.crisis(Severity.MODERATE, Category.THIRD_PARTY)
    campus.change(STAFF_CASES)

    async def queued() -> int:
        async with campus.db.acting(campus.people.rosa) as tx:
            return len((await read_queue(tx, at=campus.clock.now())).entries)

    assert await queued() == 0
    monkeypatch.setattr(queue, "CASES", queue.CASES.replace("and c.tier <> 'none'", ""))
    assert await queued() == 1


async def test_a_call_about_what_nobody_can_open_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, ladder.call, "when tier = 'none' then %s", "when tier = '' then %s")
    with pytest.raises(AssertionError):
        await test_whoever_is_called_can_open_it_whatever_the_effects_before_say(campus)


async def test_a_deletion_that_waits_for_nobody_is_noticed(campus: Campus) -> None:
    campus.change(
        "create or replace function waits_for_a_person(subject cases) returns boolean language sql immutable"
        " as $$ select subject.status <> 'closed' $$"
    )
    with pytest.raises(AssertionError):
        await test_what_nobody_was_told_of_is_deleted_at_once_with_its_case(campus)
