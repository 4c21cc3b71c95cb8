"""The way of a crisis through the pages: the student, the counselor, and back."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.async_api import expect

from tests.e2e.conftest import PHONE, Browsing
from tests.e2e.people import Counselor, Student
from tests.site import Site

NEUTRAL = "https://www.wikipedia.org/"
SENT_OR_LATER = re.compile(r"Sent \d")


async def test_a_student_reaches_a_person(student: Student, counselor: Counselor) -> None:
    """Crisis message, script, panel with true states, queue, claim, reply, hand-back, close."""
    await expect(counselor.queue).to_be_visible()
    known = await counselor.known()
    await student.say("i want to kill myself tonight")
    await expect(student.script.last).to_contain_text("Are you thinking about killing yourself?")
    await expect(
        student.script.filter(has_text="I'm sending this conversation to the on-call counselor")
    ).to_be_visible()
    await expect(student.panel.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    await expect(student.panel.get_by_role("link", name="Text 988")).to_have_attribute("href", "sms:988")
    await expect(student.status).to_contain_text(SENT_OR_LATER)
    await expect(student.status).not_to_contain_text("Opened")

    await counselor.open_new_case(known)
    await expect(counselor.talk.filter(has_text="i want to kill myself tonight")).to_have_class(
        re.compile("said--flagged")
    )
    await expect(student.status).to_contain_text("Opened by a counselor")
    await expect(student.status).not_to_contain_text("is writing")
    looks = await student.page.context.new_page()
    await looks.goto(f"{student.page.url}/looks")
    await expect(looks.get_by_role("listitem").filter(has_text="Rosa Delgado")).to_have_count(1)
    await looks.close()

    await counselor.page.get_by_role("button", name="Claim this case").click()
    await counselor.answer.press_sequentially("Hi, ", delay=20)
    await expect(student.status).to_contain_text("A counselor is writing")
    await counselor.reply("Hi, this is Rosa, a person. Are you somewhere safe?")
    await expect(student.people).to_have_text(["Hi, this is Rosa, a person. Are you somewhere safe?"])
    await expect(student.panel).to_contain_text("A counselor has this conversation")

    await student.write("in my room")
    await expect(counselor.talk.last).to_contain_text("in my room")
    await student.settled()
    await expect(student.replies).to_have_count(0)
    await expect(student.people).to_have_count(1)

    await counselor.hand_back("I'll look in tomorrow at ten. The lines stay here.")
    await expect(student.page.get_by_text("I'll look in tomorrow at ten.")).to_be_visible()
    await counselor.close("Contacted")
    await expect(counselor.page).to_have_url(re.compile("/console$"))
    await expect(student.status).to_contain_text("Closed")


async def test_answers_by_the_buttons_reach_the_case(student: Student, counselor: Counselor) -> None:
    """Quick replies read as what was tapped, and the counselor sees question and answer."""
    known = await counselor.known()
    await student.say("i want to kill myself tonight")
    await student.page.get_by_role("button", name="Yes", exact=True).click()
    await student.settled()
    await expect(student.own.last).to_have_text("Yes")
    await student.page.reload()
    await expect(student.own.last).to_have_text("Yes")
    await counselor.open_new_case(known)
    await expect(counselor.talk.filter(has_text="Student").last).to_contain_text("Yes")
    answers = counselor.page.get_by_role("region", name="Answers, in order")
    await expect(answers).to_contain_text("Are you thinking about killing yourself?")
    await expect(answers).to_contain_text("Yes")


async def test_by_keyboard_alone(student: Student, counselor: Counselor) -> None:
    """The student types, answers and finds the lines; the counselor opens, claims, replies: no mouse anywhere."""
    known = await counselor.known()
    await expect(student.page.locator("#chat[data-ready]")).to_be_attached()
    await student.box.focus()
    await student.page.keyboard.type("i want to end my life")
    await student.page.keyboard.press("Enter")
    await expect(student.panel).to_be_visible()
    await student.page.get_by_role("button", name="Not sure").focus()
    await student.page.keyboard.press("Enter")
    await student.settled()
    await expect(student.own.last).to_have_text("Not sure")

    await counselor.new_case(known).focus()
    await counselor.page.keyboard.press("Enter")
    claim = counselor.page.get_by_role("button", name="Claim this case")
    await claim.focus()
    await counselor.page.keyboard.press("Enter")
    await counselor.answer.focus()
    await counselor.page.keyboard.type("Hi, I'm a person. Where are you right now?")
    await counselor.page.keyboard.press("Control+Enter")
    await expect(student.people).to_have_text(["Hi, I'm a person. Where are you right now?"])


async def test_the_second_counselor_is_told_who_has_it(
    student: Student, counselor: Counselor, site: Site, browsing: Browsing
) -> None:
    """Both open it, one claims it; the other reads who, and keeps a way back."""
    known = await counselor.known()
    await student.say("i want to kill myself tonight")
    login = site.login("counselor", 1)
    second = Counselor(await browsing.page(PHONE), login.email, login.password)
    await second.sign_in()
    await counselor.open_new_case(known)
    await second.page.goto(counselor.page.url)
    taken = second.page.get_by_role("button", name="Claim this case")
    await expect(taken).to_be_visible()
    await counselor.page.get_by_role("button", name="Claim this case").click()
    await expect(counselor.page.locator("#live")).to_contain_text("Yours")
    await expect(second.page.locator("#live")).to_contain_text("Rosa Delgado has it")
    await expect(taken).to_have_count(0)


async def test_the_conversation_before_is_a_look_of_its_own(student: Student, counselor: Counselor) -> None:
    """Words far from what was flagged are shown by the recorded look alone, whatever the page is asked for."""
    early = "the juniper tree outside the library"
    known = await counselor.known()
    walked = (
        "i walked past the old gym",
        "then i bought an apple",
        "and sat in the sun for a bit",
        "it was quiet there",
    )
    for words in (early, *walked, "the bell rang at four"):
        await student.say(words)
    await student.say("i want to kill myself tonight")
    await counselor.open_new_case(known)
    case = counselor.page.url
    for address in (case, f"{case}/live", f"{case}/live?after={uuid4()}"):
        page = await counselor.page.request.get(address)
        assert page.ok
        assert early not in await page.text()
    await counselor.page.get_by_role("link", name="Open the whole conversation").click()
    await expect(counselor.page.get_by_text(early)).to_be_visible()
    await student.page.goto(f"{student.page.url}/looks")
    await expect(student.page.get_by_role("listitem").filter(has_text="the whole conversation")).to_have_count(1)


async def test_a_student_has_no_console(student: Student) -> None:
    """And is told so, with the way to help."""
    for address in ("/console", "/console/queue"):
        response = await student.page.goto(address)
        assert response is not None
        assert response.status == 403
    await expect(student.page.get_by_role("link", name="See the help lines")).to_be_visible()


async def test_leaving_fast_leaves_nothing(student: Student, browsing: Browsing) -> None:
    """The exit of a confidential script goes to a neutral page, and Back does not return to the words."""
    await student.say("my boyfriend hits me and i am scared to go home")
    await student.page.route(NEUTRAL, lambda route: route.fulfill(body="<h1>Neutral</h1>", content_type="text/html"))
    await student.panel.get_by_role("link", name="Exit now").click()
    await expect(student.page).to_have_url(NEUTRAL)
    assert browsing.foreign == [NEUTRAL]
    browsing.foreign.clear()
    await student.page.go_back()
    await expect(student.page.get_by_text("my boyfriend")).to_have_count(0)
