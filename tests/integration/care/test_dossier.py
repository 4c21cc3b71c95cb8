"""The counselor's first sixty seconds: what is on the page, in whose words, and what is not."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

from conversations import history
from core.ids import ConversationId
from safety.triage.step import CaseNote, Effect, RecordAnswer
from safety.types import Category, Mode, Severity
from tests.integration.care.conftest import CLEAR, WORDS, Campus, crisis, drain
from tests.integration.care.test_counselor import act, claim, close, hand_back, look, reply
from tools.care.access import Seen, accesses
from tools.care.delivery import WorkerApp
from tools.care.disclosure import ToldOutside, record_disclosure
from tools.care.dossier import DispatchSheet, Dossier, open_dispatch, open_evidence, open_transcript
from tools.care.dossier.glance import Glance
from tools.care.escalation import apply_effects
from tools.care.outcomes import Outcome
from tools.care.plan import SafetyPlan, save_plan
from tools.care.terms import MyTerms, save_terms
from tools.people.keys import student_key


async def record(campus: Campus, conversation: ConversationId, *effects: Effect) -> None:
    await act(
        campus,
        campus.people.maya,
        lambda tx: apply_effects(tx, campus.jobs, conversation, effects, at=campus.clock.now()),
    )


async def write_terms(campus: Campus, terms: MyTerms) -> None:
    async with campus.db.acting(campus.people.maya) as tx:
        await save_terms(tx, await student_key(tx), terms, at=campus.clock.now())


async def page_of(campus: Campus, conversation: ConversationId) -> Dossier:
    return await look(campus, await campus.case_of(conversation))


async def sheet_of(campus: Campus, conversation: ConversationId) -> DispatchSheet:
    case = await campus.case_of(conversation)
    return await act(campus, campus.people.rosa, lambda tx: open_dispatch(tx, case, at=campus.clock.now()))


def part(page: Dossier, name: str) -> Glance:
    [found] = [one for one in page.glance if one.name == name]
    return found


async def test_the_first_sixty_seconds(campus: Campus, worker: WorkerApp) -> None:
    terms = MyTerms(call_first="Priya", never_call="my father", call_back_number="+1 555 0100", clinician="Dr. Okafor")
    await write_terms(campus, terms)
    conversation = await campus.begin(campus.people.maya)
    for number in range(8):
        await campus.say(conversation, f"ordinary {number}", CLEAR)
    await campus.say(conversation, WORDS, crisis())
    await campus.say(conversation, "yes", CLEAR)
    await drain(worker)
    case = await campus.case_of(conversation)
    await claim(campus, case, campus.people.sam)
    page = await look(campus, case)
    assert (page.student.name, page.minor, page.others.holder, page.mode) == ("Maya", False, "Sam", Mode.TRIAGE)
    assert page.terms is not None and page.terms.never_call == "my father"
    assert page.clinician == "Dr. Okafor"
    assert page.call_back is not None and page.call_back.dial == "+15550100" and page.call_back.asked_at is None
    assert [(entry.item, entry.value) for entry in page.answers] == [("thoughts", "yes"), ("method", "")]
    assert page.answers[1].open and page.answers[1].question.startswith("Have you thought about how")
    quoted = [quote.text for quote in page.quotes]
    assert WORDS in quoted and "ordinary 7" in quoted and "ordinary 0" not in quoted
    assert [quote.text for quote in page.quotes if quote.flagged] == [WORDS]
    assert "Maya" in page.opener and "Rosa" in page.opener
    transcript = await act(campus, campus.people.rosa, lambda tx: open_transcript(tx, case, at=campus.clock.now()))
    assert next(quote.text for quote in transcript if quote.author == "student") == "ordinary 0"
    judged = await act(campus, campus.people.rosa, lambda tx: open_evidence(tx, case, at=campus.clock.now()))
    assert judged[0].evidence[0]["rule"] == "test.rule"


async def test_what_is_a_click_away_or_nobodys_business_is_not_on_the_page(campus: Campus, worker: WorkerApp) -> None:
    """No raw scores, no rules, no timeline of deliveries, nothing of sleep, mood or courses."""
    conversation = await campus.crisis()
    await drain(worker)
    page = await page_of(campus, conversation)
    for absent in ("score", "test.rule", "0.97", "sms", "webhook", "not configured", "mood", "sleep", "task", "canvas"):
        assert absent not in str(page).lower(), absent
    known = {field.name for field in fields(page)}
    assert not {name for name in known if "deliver" in name or "evidence" in name}


async def test_a_later_no_never_hides_an_earlier_yes_to_another_question(campus: Campus) -> None:
    conversation = await campus.crisis()
    await record(campus, conversation, RecordAnswer("em_what", "took"))
    campus.clock.advance(timedelta(minutes=2))
    await record(campus, conversation, RecordAnswer("behaviour", "no"), RecordAnswer("md_distance", "not_near"))
    page = await page_of(campus, conversation)
    assert [(said.words, said.grave) for said in part(page, "attempt").said] == [
        ("Took something", True), ("Never began or prepared", False),
    ]  # fmt: skip
    assert [(said.words, said.grave) for said in part(page, "means").said] == [("Says nothing is near", False)]
    assert not part(page, "substances").asked


async def test_the_newest_answer_to_the_same_question_counts(campus: Campus) -> None:
    conversation = await campus.crisis()
    await record(campus, conversation, RecordAnswer("md_distance", "cannot"))
    campus.clock.advance(timedelta(minutes=2))
    await record(campus, conversation, RecordAnswer("md_distance", "done"))
    page = await page_of(campus, conversation)
    assert [said.words for said in part(page, "means").said] == ["Has put it out of reach"]
    assert [entry.value for entry in page.answers if entry.item == "md_distance"] == ["cannot", "done"]


async def test_refusals_and_the_wish_not_to_be_asked_are_shown(campus: Campus) -> None:
    conversation = await campus.crisis()
    await campus.say(conversation, "yes", CLEAR)
    await campus.say(conversation, "refused", CLEAR)
    await record(campus, conversation, RecordAnswer("md_substances", "refused"), CaseNote("refused_questions"))
    page = await page_of(campus, conversation)
    refused = [entry for entry in page.answers if entry.refused]
    assert [entry.item for entry in refused] == ["method", "md_substances"]
    assert {entry.label for entry in refused} == {"Rather not say"}
    assert (part(page, "substances").said, part(page, "substances").refused) == ((), 1)
    assert [entry.facts["note"] for entry in page.notes] == ["refused_questions"]


async def test_answers_from_before_the_case_are_there_and_a_friends_are_not(campus: Campus) -> None:
    """A question that decides whether there is a case is answered before there is one."""
    conversation = await campus.begin(campus.people.maya)
    unclear = crisis(Severity.LOW)
    campus.verdict.found = unclear
    unclear = type(unclear)(False, True, unclear.category, unclear.severity, 0.5, unclear.evidence, "test-1")
    await campus.say(conversation, "i'm so done", unclear)
    await campus.say(conversation, "yes", CLEAR)
    page = await page_of(campus, conversation)
    first = page.answers[0]
    assert (first.item, first.value, first.at) == ("cl_dying", "yes", None)
    other = await campus.crisis(Severity.HIGH, Category.THIRD_PARTY)
    await campus.say(other, "other", CLEAR)
    friends = await page_of(campus, other)
    assert [entry.item for entry in friends.answers if entry.item.startswith("tp_") and entry.item != "tp_self"] == []


async def test_where_they_are_and_how_to_call_them_is_what_they_said_when_asked(campus: Campus) -> None:
    await write_terms(campus, MyTerms(call_back_number="555 0100 999"))
    conversation = await campus.crisis()
    assert (await page_of(campus, conversation)).place is None
    campus.clock.advance(timedelta(minutes=3))
    asked = campus.clock.now()
    await record(
        campus,
        conversation,
        RecordAnswer("pl_place", "the kitchen downstairs"),
        RecordAnswer("wt_where", "Room 214, Aspen Hall"),
        RecordAnswer("wt_callback", "my cell is +1 (555) 010-0123, text first"),
    )
    page = await page_of(campus, conversation)
    assert page.place is not None and page.call_back is not None
    assert (page.place.words, page.place.at) == ("Room 214, Aspen Hall", asked)
    assert page.place.meant_to_be == "the kitchen downstairs"
    assert (page.call_back.dial, page.call_back.asked_at) == ("+15550100123", asked)
    await record(campus, conversation, RecordAnswer("wt_callback", "here"))
    page = await page_of(campus, conversation)
    assert page.call_back is not None and (page.call_back.words, page.call_back.dial) == ("here", None)


async def test_what_changed_since_the_last_case(campus: Campus) -> None:
    first = await campus.crisis(Severity.MODERATE)
    await record(campus, first, RecordAnswer("md_distance", "not_near"), RecordAnswer("plan", "no"))
    assert (await page_of(campus, first)).changed is None
    case = await campus.case_of(first)
    await claim(campus, case)
    await close(campus, case, Outcome.CONTACTED)
    campus.clock.advance(timedelta(days=3))
    async with campus.db.acting(campus.people.maya) as tx:
        await save_plan(tx, await student_key(tx), SafetyPlan(people_to_ask=("Priya",)), at=campus.clock.now())
    second = await campus.crisis(Severity.HIGH)
    await record(
        campus,
        second,
        RecordAnswer("ag_different", "i have them here now"),
        RecordAnswer("md_distance", "cannot"),
        RecordAnswer("plan", "no"),
        RecordAnswer("intent", "yes"),
    )
    page = await page_of(campus, second)
    changed = page.changed
    assert changed is not None and page.known_by == "Rosa"
    assert (changed.last.outcome, changed.last.counselor) == ("contacted", "Rosa")
    assert changed.in_their_words == "i have them here now"
    assert [(change.about, change.before, change.now) for change in changed.changes] == [
        ("severity", "moderate", "high"),
        ("md_distance", "Says nothing is near", "Cannot put it out of reach"),
    ]
    assert changed.plan_changed_at is not None and changed.terms_changed_at is None


async def test_what_the_student_was_shown_and_promised(campus: Campus) -> None:
    conversation = await campus.crisis()
    page = await page_of(campus, conversation)
    said = [quote.text for quote in page.shown.said]
    assert any("on-call counselor" in text for text in said)
    assert "Are you thinking about killing yourself?" not in said, "questions stand with their answers"
    assert any("988" in way for way in page.shown.ways)
    case = await campus.case_of(conversation)
    await claim(campus, case)
    await reply(campus, case, "Hi.")
    await hand_back(campus, case, "Tomorrow at ten.")
    page = await page_of(campus, conversation)
    assert "Opened" in page.shown.now
    assert {promise.kind.value for promise in page.shown.promises} == {"follow_up"}


async def test_who_else_is_acting(campus: Campus, worker: WorkerApp) -> None:
    conversation = await campus.crisis()
    case = await campus.case_of(conversation)
    await drain(worker)
    await look(campus, case, campus.people.sam)
    await claim(campus, case)
    now = campus.clock.now()
    await act(
        campus,
        campus.people.rosa,
        lambda tx: record_disclosure(tx, case, "pills, no answer", [ToldOutside.CAMPUS_SAFETY], at=now),
    )
    others = (await look(campus, case)).others
    assert [(entry.who, entry.at) for entry in others.looked] == [("Sam", now)]
    assert [(entry.rung, entry.reached_at is not None, entry.trouble) for entry in others.called] == [
        ("on_call", True, None)
    ]
    assert [(entry.whom, entry.by) for entry in others.told] == [(("campus_safety",), "Rosa")]


async def test_a_call_that_reached_nobody_is_shown_as_one(campus: Campus) -> None:
    conversation = await campus.crisis()
    campus.change("update deliveries set state = 'failed', last_error = 'no_recipient'")
    [called] = (await page_of(campus, conversation)).others.called
    assert (called.reached_at, called.trouble) == (None, "no recipient")


async def ask(campus: Campus, conversation: ConversationId) -> None:
    """What the status of a conversation keeps when the student's page asks for it."""
    await act(
        campus,
        campus.people.maya,
        lambda tx: history.note_presence(tx, conversation, at=campus.clock.now()),
    )


async def test_online_is_true_only_while_the_students_page_asks(campus: Campus) -> None:
    conversation = await campus.begin(campus.people.maya)
    await ask(campus, conversation)
    assert campus.rows("select seen_at from conversations") == [{"seen_at": None}], "nothing is kept of ordinary talk"
    await campus.say(conversation, WORDS, crisis())
    assert not (await page_of(campus, conversation)).presence.online
    await ask(campus, conversation)
    seen = campus.clock.now()
    assert (await page_of(campus, conversation)).presence.online
    campus.clock.advance(timedelta(seconds=21))
    presence = (await page_of(campus, conversation)).presence
    assert (presence.online, presence.seen_at) == (False, seen)


async def test_the_dispatch_sheet_says_what_a_dispatcher_asks_and_is_a_look_of_its_own(campus: Campus) -> None:
    await write_terms(campus, MyTerms(never_call="my father", hospital_and_police="no uniforms please", helps="tea"))
    conversation = await campus.crisis()
    await record(
        campus, conversation, RecordAnswer("em_what", "took"), RecordAnswer("wt_where", "Room 214, Aspen Hall")
    )
    sheet = await sheet_of(campus, conversation)
    assert (sheet.student.name, sheet.asking) == ("Maya", "Rosa")
    assert sheet.place is not None and sheet.place.words == "Room 214, Aspen Hall"
    assert sheet.emergency is not None and sheet.emergency.call == "911"
    assert [said.words for entry in sheet.danger for said in entry.said] == ["Took something"]
    assert sheet.terms is not None and sheet.terms.never_call == "my father"
    assert WORDS not in str(sheet), "no transcript"
    looks = await act(campus, campus.people.maya, lambda tx: accesses(tx, conversation))
    assert [(entry.who, entry.what) for entry in looks] == [("Rosa", Seen.DISPATCH)]


async def test_the_emergency_number_is_that_of_where_they_are_and_never_guessed(campus: Campus) -> None:
    campus.change("update profiles set region = null where account_id = %s", campus.people.maya.account_id)
    conversation = await campus.crisis()
    assert (await sheet_of(campus, conversation)).emergency is None
    await campus.say(conversation, "elsewhere", CLEAR)
    await campus.say(conversation, "uk", CLEAR)
    sheet = await sheet_of(campus, conversation)
    assert sheet.emergency is not None and sheet.emergency.region == "uk"
    assert sheet.place is not None and sheet.place.country == "United Kingdom"
