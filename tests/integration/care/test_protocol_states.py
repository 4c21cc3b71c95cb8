"""Every state of the protocol, met by a student: message by message through intake, minute by minute through the clock.

What the pure machine would do is tested beside it; here it happens, is stored, and is read back from the database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from conversations import history, live, signals
from conversations.incoming import Incoming
from conversations.ticks import sweep
from core.ids import ConversationId, new_id
from safety.policy import Signal
from safety.resources import INTERNATIONAL
from safety.triage.facts import InputKind
from safety.triage.state import TriageState, TriageStep
from safety.types import Category, Mode, Screening, Severity
from tests.integration.care.conftest import CLEAR, WORDS, Campus, crisis, drain
from tools.care import acts
from tools.care.acts import Outcome
from tools.care.delivery import WorkerApp
from tools.care.plan import SafetyPlan, save_plan
from tools.care.terms import MyTerms, save_terms
from tools.people.keys import student_key

SECONDS, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
UNCLEAR = replace(CLEAR, clarify=True, category=Category.SUICIDE, severity=Severity.LOW)
BROKEN = replace(CLEAR, degraded=("classifier",))


@dataclass
class Story:
    """One student's way through the protocol, and every state it was in."""

    campus: Campus
    worker: WorkerApp
    conversation: ConversationId
    met: list[TriageStep | None] = field(default_factory=list)

    async def say(self, text: str, found: Screening = CLEAR, kind: InputKind = InputKind.TEXT) -> None:
        self.campus.verdict.found = found
        maya = self.campus.people.maya
        await self.campus.intake.receive(Incoming(maya, self.conversation, text, str(new_id()), kind))
        await self.note()

    async def answer(self, *values: str) -> None:
        for value in values:
            await self.say(value)

    async def wait(self, duration: timedelta, every: timedelta = 10 * SECONDS) -> None:
        """Let time pass with the worker looking as often as it does, or as often as makes a difference."""
        end = self.campus.clock.now() + duration
        while self.campus.clock.now() < end:
            self.campus.pass_time(every)
            await sweep(self.worker.desk)
        await self.note()

    async def note(self) -> None:
        self.met.append((await self.state).step if await self._state() else None)

    async def _state(self) -> TriageState | None:
        return await self.campus.state(self.conversation)

    @property
    async def state(self) -> TriageState:
        found = await self._state()
        assert found is not None
        return found

    async def texts(self) -> str:
        return " ".join(text for author, text in await self.campus.texts(self.conversation) if author == "script")

    async def last_step(self) -> dict[str, Any]:
        """What came with the script's last words: choices and lines, as they are stored."""
        async with self.campus.db.acting(self.campus.people.maya) as tx:
            found = await history.read_messages(tx, self.conversation)
        return next(m.extras for m in reversed(found) if "choices" in m.extras)

    def pages(self) -> list[str]:
        """Reasons of the calls so far, in order."""
        rows = self.campus.rows("select facts from case_events where kind = 'called' order by at, id")
        return [row["facts"]["reason"] for row in rows if row["facts"]["tier"].startswith("page")]

    async def staff(self, what: Callable[[Any], Awaitable[object]]) -> None:
        async with self.campus.db.acting(self.campus.people.rosa) as tx:
            await what(tx)
        await self.note()


@pytest.fixture
async def story(campus: Campus, worker: WorkerApp) -> Story:
    return Story(campus, worker, await campus.begin(campus.people.maya))


MADE: dict[str, list[TriageStep | None]] = {}
"""What each story met; the last test asks whether all together met every state."""


@pytest.fixture(autouse=True)
async def remember(request: pytest.FixtureRequest, story: Story) -> Any:
    yield
    MADE[request.node.name] = story.met


SCREENED = ("yes", "no", "no", "no", "no")
"""Thoughts, and no method, intent, plan or behaviour."""


async def test_clarify_asks_one_question_and_pages_nobody(story: Story) -> None:
    await story.say("i can't do this anymore", UNCLEAR)
    assert (await story.state).step is TriageStep.CLARIFY
    assert story.campus.count("cases") == 0
    await story.say("unsure")
    assert (await story.state).step is TriageStep.SCREEN
    assert story.campus.count("cases") == 1


async def test_clarify_that_was_a_misread_goes_back_to_the_topic(story: Story) -> None:
    await story.say("i can't do this anymore", UNCLEAR)
    await story.answer("no")
    assert (await story.state).step is TriageStep.MISREAD
    await story.answer("yes")
    assert await story._state() is None
    assert story.campus.count("cases") == 0
    assert story.campus.rows("select mode from conversations") == [{"mode": Mode.ORDINARY}]


async def test_an_attempt_comes_first_and_help_reached_ends_the_questions(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer("done_something")
    assert (await story.state).step is TriageStep.EMERGENCY
    await story.answer("took")
    assert "even if you feel fine" in await story.texts() and "1-800-222-1222" in await story.texts()
    await story.answer("with_me")
    assert (await story.state).step is TriageStep.SAFE_WITH_HELP
    assert story.campus.rows("select status, severity from cases") == [{"status": "open", "severity": "imminent"}]
    await story.wait(timedelta(days=1, minutes=1), timedelta(hours=6))
    assert (await story.state).step is TriageStep.FOLLOW_UP


async def test_screen_goes_to_the_tier_by_its_answers(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    assert story.pages() == []
    await story.answer("yes", "yes")
    assert story.pages() == []
    await story.answer("yes")
    assert story.pages() == ["answer"]
    assert story.campus.rows("select tier from cases") == [{"tier": "page_now"}]


async def test_refuses_is_accepted_and_the_tier_stays_with_the_evidence(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer("refused", "refused")
    assert (await story.state).step is TriageStep.REFUSED
    assert "I won't keep asking" in await story.texts()
    assert story.campus.rows("select tier, severity from cases") == [{"tier": "page_now", "severity": "high"}]
    await story.say("how do i plan my week")
    assert (await story.state).mode is Mode.GUARDED


async def test_silent_is_nudged_and_then_people_are_called(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.wait(5 * MINUTE + 10 * SECONDS)
    assert (await story.state).step is TriageStep.SILENT
    assert story.pages()[-1] == "silent"
    await story.say("here")
    assert (await story.state).item == "thoughts"


async def test_silent_in_lower_danger_is_nudged_and_checked_on_tomorrow(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    await story.wait(31 * MINUTE, MINUTE)
    assert (await story.state).step is TriageStep.GUARDED
    assert story.pages() == []
    await story.wait(timedelta(days=2), timedelta(hours=4))
    assert (await story.state).item == "fu_how"


async def test_means_and_people_then_the_own_plan_with_the_own_terms_first(story: Story) -> None:
    async with story.campus.db.acting(story.campus.people.maya) as tx:
        key, now = await student_key(tx), story.campus.clock.now()
        terms = MyTerms(helps="the dog", makes_worse="being told to calm down", call_first="Priya", never_call="my dad")
        await save_terms(tx, key, terms, at=now)
        await save_plan(tx, key, SafetyPlan(own_coping=("walk",)), at=now)
    await story.say(WORDS, crisis())
    await story.answer(*SCREENED)
    assert (await story.state).step is TriageStep.MEANS
    await story.answer("done", "yes", "no")
    assert (await story.state).step is TriageStep.PLAN
    told = await story.texts()
    places = [told.index(words) for words in ("the dog", "told to calm down", "Priya", "my dad", "Your own plan")]
    assert places == sorted(places)
    await story.answer("doing_it")
    assert (await story.state).step is TriageStep.WAITING


async def test_without_a_plan_a_short_one_is_made_in_the_students_words(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer(*SCREENED, "done", "yes", "no")
    assert (await story.state).item == "pl_step"
    await story.answer("walking the dog", "my sister", "the kitchen")
    assert (await story.state).step is TriageStep.WAITING
    assert len(story.campus.rows("select 1 from case_events where kind = 'answer' and body_sealed is not null")) == 3


async def to_waiting(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer(*SCREENED, "done", "yes", "no", "a", "b", "c", "skip", "skip")
    assert (await story.state).step is TriageStep.WAITING


async def test_waiting_tells_the_true_state_and_when_it_is_due(story: Story) -> None:
    await to_waiting(story)
    assert "It's due to be opened by" in await story.texts()
    assert "Opened" not in await story.texts()
    await drain(story.worker)
    await story.say("still here")
    assert "Sent " in await story.texts()
    await story.wait(6 * MINUTE)
    assert "Nobody has opened this yet" in await story.texts()


async def test_a_person_who_opened_it_and_is_quiet_for_three_minutes_is_not_hidden(story: Story) -> None:
    await to_waiting(story)
    case = await story.campus.case_of(story.conversation)
    await story.staff(lambda tx: acts.claim(tx, case, at=story.campus.clock.now()))
    story.campus.change("update cases set first_opened_at = %s", story.campus.clock.now())
    await story.wait(2 * MINUTE + 50 * SECONDS)
    assert "quiet for a few minutes" not in await story.texts()
    await story.wait(20 * SECONDS)
    assert "quiet for a few minutes" in await story.texts()
    assert {"call:us-988", "text:us-crisis-text-line"} <= {c["value"] for c in (await story.last_step())["choices"]}


async def test_no_staff_is_said_with_the_hour_and_a_follow_up_is_booked(story: Story) -> None:
    rules = {"responder": "unstaffed", "staffing": [{"days": [0], "from": "09:00", "to": "09:01"}]}
    story.campus.change("update institutions set settings = %s where slug = 'hill'", Jsonb(rules))
    await story.say(WORDS, crisis())
    assert "Nobody here sees this before Monday 9:00" in await story.texts()
    await story.answer(*SCREENED, "done", "yes", "no", "a", "b", "c")
    assert (await story.state).step is TriageStep.NO_STAFF
    assert len((await story.state).check_ins) == 2
    await story.answer("in_hours")
    await story.wait(timedelta(hours=2, minutes=1), 30 * MINUTE)
    assert (await story.state).item == "fu_how"


async def test_live_person_silences_the_companion_and_hands_back_with_a_message(story: Story) -> None:
    await to_waiting(story)
    case, now = await story.campus.case_of(story.conversation), story.campus.clock.now
    await story.staff(lambda tx: acts.claim(tx, case, at=now()))
    await story.staff(lambda tx: live.reply(tx, story.campus.jobs, case, "Hi, I'm Rosa.", at=now()))
    assert (await story.state).step is TriageStep.LIVE
    before = await story.texts()
    await story.say("thank you for writing")
    assert await story.texts() == before
    await story.staff(lambda tx: live.give_back(tx, story.campus.jobs, case, "Call me at nine.", at=now()))
    assert (await story.state).step is TriageStep.GUARDED
    assert "Call me at nine." in await story.texts()


async def test_a_joke_keeps_the_case_for_review(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.say("jk lol")
    assert (await story.state).step is TriageStep.MISREAD
    await story.answer("yes")
    assert (await story.state).step is TriageStep.GUARDED
    assert story.campus.rows("select status, severity from cases") == [{"status": "open", "severity": "high"}]


async def test_a_minor_hears_the_limits_of_the_law_where_the_campus_is(story: Story) -> None:
    story.campus.change("update profiles set age_band = '16_17'")
    story.campus.change("update institutions set region = 'US-CA' where slug = 'hill'")
    await story.say(WORDS, crisis())
    assert (await story.state).step is TriageStep.MINOR
    assert "often keep what you say private" in await story.texts()


async def test_elsewhere_asks_the_country_and_shows_its_lines_only(story: Story) -> None:
    story.campus.change("update profiles set region = null")
    await story.say(WORDS, crisis())
    assert (await story.state).step is TriageStep.ELSEWHERE
    assert {line["id"].split("-")[0] for line in (await story.last_step())["resources"]} == {INTERNATIONAL}
    await story.answer("uk")
    shown = await story.last_step()
    assert {line["id"].split("-")[0] for line in shown["resources"]} == {"uk", INTERNATIONAL}
    assert shown["region"] == "uk"
    assert (await story.state).item == "thoughts"


async def test_an_unconfirmed_transcript_asks_and_pages_nobody(story: Story) -> None:
    await story.say(WORDS, crisis(Severity.IMMINENT), InputKind.VOICE_UNCONFIRMED)
    assert (await story.state).step is TriageStep.VOICE
    assert story.campus.count("cases") == 0
    await story.answer("yes")
    assert story.campus.rows("select tier from cases") == [{"tier": "page_all"}]


async def test_confirmed_speech_is_asked_whether_aloud_is_fine(story: Story) -> None:
    await story.say(WORDS, crisis(), InputKind.VOICE)
    assert (await story.state).item == "vo_aloud"
    await story.answer("no")
    assert (await story.state).item == "thoughts"


async def closed_case(story: Story, outcome: Outcome) -> None:
    case, now = await story.campus.case_of(story.conversation), story.campus.clock.now
    await story.staff(lambda tx: acts.claim(tx, case, at=now()))
    await story.staff(lambda tx: live.close(tx, case, outcome, "", at=now()))


@pytest.mark.parametrize("where", ["the same conversation", "another conversation"])
async def test_again_asks_what_is_different_without_introduction_or_discount(story: Story, where: str) -> None:
    await story.say(WORDS, crisis())
    await closed_case(story, Outcome.CONTACTED)
    if where == "another conversation":
        story.conversation = await story.campus.begin(story.campus.people.maya)
    told = len(await story.texts())
    await story.say("it is back", crisis())
    assert (await story.state).step is TriageStep.AGAIN
    assert "I'm software" not in (await story.texts())[told:]
    assert story.campus.rows("select tier from cases where status = 'open'") == [{"tier": "page_now"}]


async def test_a_misread_is_no_earlier_case(story: Story) -> None:
    await story.say(WORDS, crisis())
    await closed_case(story, Outcome.MISREAD)
    await story.say(WORDS, crisis())
    assert (await story.state).step is TriageStep.SCREEN


async def test_guarded_lasts_until_the_check_in_went_well(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    await story.answer("no", "no", "no_check_in")
    assert (await story.state).mode is Mode.GUARDED
    await story.say("help me plan tomorrow")
    assert (await story.state).mode is Mode.GUARDED
    await story.wait(timedelta(days=1, minutes=1), timedelta(hours=6))
    assert (await story.state).item == "fu_how"
    await story.answer("better")
    assert story.campus.rows("select mode from conversations") == [{"mode": Mode.ORDINARY}]
    await story.wait(timedelta(days=6, minutes=1), timedelta(hours=12))
    assert (await story.state).item == "fu_how", "seven days after, once more"
    await story.answer("better")
    assert await story._state() is None


async def test_high_stays_guarded_until_a_person_was_in_contact(story: Story) -> None:
    await story.say(WORDS, crisis())
    await story.answer("refused", "refused")
    await story.wait(timedelta(days=1, minutes=1), timedelta(hours=6))
    await story.answer("better")
    assert (await story.state).mode is Mode.GUARDED
    await closed_case(story, Outcome.CONTACTED)
    await story.wait(timedelta(days=6, minutes=1), timedelta(hours=12))
    await story.answer("better")
    assert await story._state() is None


async def test_degraded_shows_the_lines_to_everyone_and_a_yes_goes_to_the_screen(story: Story) -> None:
    await story.say("hello", BROKEN)
    assert (await story.state).step is TriageStep.DEGRADED
    assert story.campus.count("cases") == 0
    assert (await story.last_step())["resources"]
    await story.answer("yes")
    assert (await story.state).step is TriageStep.SCREEN
    assert story.campus.count("cases") == 1


@pytest.mark.parametrize("broken", [True, False])
async def test_a_crisis_while_a_part_is_down_is_a_crisis(story: Story, broken: bool) -> None:
    await story.say("hello", BROKEN)
    await story.say(WORDS, replace(crisis(), degraded=("classifier",) if broken else ()))
    assert (await story.state).step is TriageStep.SCREEN
    assert story.pages() == ["words"]


async def signalled(story: Story, signal: Signal) -> None:
    async with story.campus.db.acting(story.campus.people.maya) as tx:
        story.conversation = await signals.take_signal(tx, story.campus.jobs, signal, at=story.campus.clock.now())
    await story.note()


async def test_item_nine_asks_the_screener_and_the_answers_decide(story: Story) -> None:
    await signalled(story, Signal.PHQ9_ITEM9)
    assert (await story.state).item == "wish"
    assert "One of your answers" in await story.texts()
    assert story.campus.count("cases") == story.campus.count("deliveries") == 0
    await story.answer("yes")
    assert story.campus.rows("select severity, tier from cases") == [{"severity": "low", "tier": "digest"}]


async def test_item_nine_denied_opens_nothing(story: Story) -> None:
    await signalled(story, Signal.PHQ9_ITEM9)
    await story.answer("no", "no", "no")
    assert await story._state() is None
    assert story.campus.count("cases") == 0


async def test_item_nine_while_the_script_has_the_student_asks_nothing_beside_it(story: Story) -> None:
    await story.say(WORDS, crisis())
    told, conversation = await story.texts(), story.conversation
    await signalled(story, Signal.PHQ9_ITEM9)
    assert story.conversation == conversation
    assert await story.texts() == told


async def log(story: Story, *scores: int) -> None:
    from tools.wellness.mood import log_mood  # noqa: PLC0415

    for score in scores:
        story.campus.clock.advance(timedelta(hours=8))
        async with story.campus.db.acting(story.campus.people.maya) as tx:
            now = story.campus.clock.now()
            await log_mood(tx, await student_key(tx), score=score, at=now)
            if await signals.low_mood_began(tx, at=now):
                await signals.take_signal(tx, story.campus.jobs, Signal.MOOD_LOW_SUSTAINED, at=now)


async def test_low_moods_make_a_gentle_question_once_and_never_a_case(story: Story) -> None:
    await story.say("hello")
    await log(story, 2, 3)
    assert "low days" not in await story.texts()
    await log(story, 1, 2, 1)
    assert (await story.texts()).count("low days") == 1
    await log(story, 8, 2, 1, 2)
    assert (await story.texts()).count("low days") == 2
    assert story.campus.count("cases") == story.campus.count("deliveries") == 0
    assert await story._state() is None


async def test_low_moods_lower_the_thresholds_of_screening(story: Story) -> None:
    from conversations.snapshot import read_snapshot  # noqa: PLC0415

    async def seen() -> tuple[str, ...]:
        async with story.campus.db.acting(story.campus.people.maya) as tx:
            return (await read_snapshot(tx, story.conversation, story.campus.clock.now())).context.data_signals

    assert await seen() == ()
    await log(story, 2, 2, 2)
    assert await seen() == ("mood_low_sustained",)
    story.campus.clock.advance(timedelta(days=8))
    assert await seen() == ()


async def test_a_check_in_does_not_lose_a_follow_up_still_to_come(story: Story) -> None:
    await story.say("i wish i was dead", crisis(Severity.LOW))
    await story.answer("no", "no", "no_check_in")
    await story.wait(timedelta(days=1, minutes=1), timedelta(hours=6))
    await story.answer("better")
    left = (await story.state).check_ins
    assert left
    await log(story, 2, 2, 2)
    assert "low days" in await story.texts()
    assert (await story.state).check_ins == left


@pytest.mark.parametrize(
    ("category", "words"),
    [
        (Category.SELF_HARM, "Are you hurt right now?"),
        (Category.HARM_TO_OTHERS, "Are you near the person right now?"),
        (Category.ABUSE, "Are you safe where you are right now?"),
        (Category.EXPLOITATION, "is somebody near you or pressing you"),
        (Category.EATING_DISORDER, "fainting, chest pain"),
        (Category.OVERDOSE, "What fits best right now?"),
        (Category.PSYCHOSIS, "Do you feel safe where you are right now?"),
        (Category.THIRD_PARTY, "Whose safety are you worried about?"),
        (Category.AI_HARM, "Has any of it left you thinking about dying"),
    ],
)
async def test_every_matter_has_a_script_of_its_own(story: Story, category: Category, words: str) -> None:
    await story.say("words", crisis(Severity.MODERATE, category))
    assert words in await story.texts()
    assert story.campus.rows("select category from cases") == [{"category": category.value}]


async def test_all_together_met_every_state_of_the_protocol() -> None:
    assert {step for met in MADE.values() for step in met if step} == set(TriageStep)
