"""Grave words after a rest, from message to ladder: what was acknowledged yesterday silences nothing tonight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from conversations import live
from conversations.snapshot import read_snapshot
from safety.policy import Tier
from safety.triage import draft, machine, silence, telling
from safety.triage.state import TriageStep
from safety.types import Category, Severity
from tests.integration.care.conftest import crisis
from tests.integration.care.test_protocol_states import MINUTE, SCREENED, SECONDS, UNCLEAR, WORDS, Story, story
from tools.care import acts
from tools.care.dossier import open_dossier
from tools.care.queue import read_queue

__all__ = ["story"]
Patch = pytest.MonkeyPatch


async def claimed(story: Story) -> None:
    case, now = await story.campus.case_of(story.conversation), story.campus.clock.now
    await story.staff(lambda tx: open_dossier(tx, case, at=now()))
    await story.staff(lambda tx: acts.claim(tx, case, at=now()))


async def to_safe(story: Story) -> None:
    await story.say("i took pills", crisis(Severity.IMMINENT))
    await story.answer("took", "with_me")
    assert (await story.state).step is TriageStep.SAFE_WITH_HELP


async def to_refused(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.say("stop")
    assert (await story.state).step is TriageStep.REFUSED


RESTS = [(to_safe, timedelta(hours=20)), (to_refused, timedelta(hours=8))]


@pytest.mark.parametrize(("rest", "later"), RESTS, ids=["safe with help", "refused"])
async def test_words_of_tonight_call_people_whatever_was_acknowledged_yesterday(
    story: Story, rest: Callable[[Story], Awaitable[None]], later: timedelta
) -> None:
    await rest(story)
    await claimed(story)
    await story.wait(later, timedelta(hours=1))
    calls, told = len(story.pages()), len(await story.texts())
    await story.say("im alone and i bought more, its tonight", crisis(Severity.IMMINENT))
    assert len(story.pages()) == calls + 1
    assert "Call 911 now" in (await story.texts())[told:]
    case = story.campus.rows("select tier, acknowledged_at from cases")
    assert case == [{"tier": "page_all", "acknowledged_at": None}], "the ladder runs again"
    await story.say("im alone and i bought more, its tonight", crisis(Severity.IMMINENT))
    assert len(story.pages()) == calls + 1, "the same words a moment later page nobody anew"


async def test_worse_at_a_check_in_after_a_hand_back_calls_people(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer(*SCREENED)
    case, now = await story.campus.case_of(story.conversation), story.campus.clock.now
    await story.staff(lambda tx: acts.claim(tx, case, at=now()))
    await story.staff(lambda tx: live.reply(tx, story.campus.jobs, case, "Hi.", at=now()))
    await story.staff(lambda tx: live.give_back(tx, story.campus.jobs, case, "Bye.", at=now()))
    await story.wait(timedelta(hours=24, minutes=30), timedelta(hours=1))
    assert (await story.state).item == "fu_how"
    calls = len(story.pages())
    await story.answer("worse")
    assert len(story.pages()) == calls + 1
    await story.say("pills and a note", crisis())
    assert len(story.pages()) == calls + 1


async def test_an_attempt_beside_a_person_is_paged_pinned_and_answered_first(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    case, now = await story.campus.case_of(story.conversation), story.campus.clock.now
    await story.staff(lambda tx: acts.claim(tx, case, at=now()))
    await story.staff(lambda tx: live.reply(tx, story.campus.jobs, case, "Hi.", at=now()))
    story.campus.pass_time(MINUTE)
    await story.say("i just took all the pills", crisis(Severity.IMMINENT, Category.OVERDOSE))
    assert (await story.state).step is TriageStep.LIVE
    assert len(story.pages()) == 1
    assert "Call 911 now" in await story.texts() and "1-800-222-1222" in await story.texts()
    assert story.campus.rows("select tier, severity from cases") == [{"tier": "page_all", "severity": "imminent"}]
    async with story.campus.db.acting(story.campus.people.rosa) as tx:
        assert [entry.pinned for entry in (await read_queue(tx, at=now())).entries] == [True]


async def test_grave_words_that_paged_nobody_are_pinned_when_nobody_answers(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    story.campus.change("update cases set severity = 'high'")
    async with story.campus.db.acting(story.campus.people.rosa) as tx:
        entries = (await read_queue(tx, at=story.campus.clock.now())).entries
    assert [(entry.pinned, entry.tier) for entry in entries] == [(True, Tier.DIGEST)]


async def test_silence_behind_a_claim_is_noticed(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer(*SCREENED, "done", "yes", "no", "a", "b", "c", "skip", "skip")
    await claimed(story)
    await story.wait(5 * MINUTE + 20 * SECONDS)
    assert (await story.state).step is TriageStep.SILENT
    assert story.pages()[-1] == "silent"
    assert story.campus.rows("select acknowledged_at from cases") == [{"acknowledged_at": None}]


async def test_an_ambiguous_line_after_a_refusal_keeps_severity_mode_and_follow_ups(story: Story) -> None:
    await to_refused(story)
    known = await story.state
    await story.say("i wont be back after break", UNCLEAR)
    await story.answer("no", "yes")
    after = await story.state
    assert (after.step, after.severity) == (known.step, known.severity)
    assert after.check_ins == known.check_ins and known.check_ins
    assert story.campus.rows("select mode from conversations") == [{"mode": "guarded"}]


async def test_when_people_were_told_survives_storage(story: Story) -> None:
    await story.say(WORDS, crisis())
    async with story.campus.db.acting(story.campus.people.maya) as tx:
        read = await read_snapshot(tx, story.conversation, story.campus.clock.now())
    assert read.triage is not None and read.triage.told_at == story.campus.clock.now()


def yesterdays_call_stands(patch: Patch) -> None:
    for user in (telling, draft):
        patch.setattr(user, "running", lambda state, now: state.tier)


def nobody_is_called_beside_a_person(patch: Patch) -> None:
    patch.setattr(machine, "beside_a_person", lambda made, text, found: made.done())


def a_claim_is_a_contact(patch: Patch) -> None:
    patch.setattr(silence, "_in_contact", lambda made: made.facts.delivery.opened_at is not None)


BUGS: list[tuple[Callable[[Patch], None], Callable[[Story], Awaitable[None]]]] = [
    (
        yesterdays_call_stands,
        lambda s: test_words_of_tonight_call_people_whatever_was_acknowledged_yesterday(s, *RESTS[0]),
    ),
    (nobody_is_called_beside_a_person, test_an_attempt_beside_a_person_is_paged_pinned_and_answered_first),
    (a_claim_is_a_contact, test_silence_behind_a_claim_is_noticed),
]


@pytest.mark.parametrize(("seed", "tale"), BUGS, ids=[seed.__name__ for seed, _ in BUGS])
async def test_a_seeded_bug_is_caught(
    story: Story, seed: Callable[[Patch], None], tale: Callable[[Story], Awaitable[None]], monkeypatch: Patch
) -> None:
    seed(monkeypatch)
    with pytest.raises(AssertionError):
        await tale(story)
