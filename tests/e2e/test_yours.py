"""The student's own place, and what becomes of a yes: pages that work with and without a script."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, Browsing
from tests.e2e.people import Counselor, Student
from tests.site import Site

SONG = "i want to kill myself tonight, that's how the song of Priya goes"
MASKED = "i want to kill myself tonight, that's how the song of [name] goes"


async def plain_page(student: Student, browsing: Browsing) -> Page:
    """The same student in a browser without a script."""
    someone = Student(await browsing.page(script=False), student.email, student.password)
    await someone.sign_in()
    return someone.page


async def test_crisis_terms_are_written_and_come_first_on_the_counselors_screen(
    student: Student, counselor: Counselor, browsing: Browsing
) -> None:
    page = await plain_page(student, browsing)
    await page.goto("/yours")
    await page.get_by_role("link", name="Your crisis terms").click()
    await page.get_by_label("Who to call first").fill("Priya, 555 010 0142")
    await page.get_by_label("Who never to call").fill("My father")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    await page.reload()
    await page.goto("/crisis-terms")
    await expect(page.get_by_label("Who never to call")).to_have_value("My father")
    known = await counselor.known()
    await student.say("i want to kill myself tonight")
    await counselor.open_new_case(known)
    terms = counselor.page.get_by_role("region", name="Their crisis terms")
    await expect(terms).to_contain_text("My father")


async def test_a_rehearsal_walks_on_and_tells_nobody(
    student: Student, counselor: Counselor, browsing: Browsing
) -> None:
    """The same words as in the chat, step by step; no case, no conversation."""
    known = await counselor.known()
    page = await plain_page(student, browsing)
    await page.goto("/rehearsal")
    await page.get_by_label("Words to try").fill("i want to kill myself tonight")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("Are you thinking about killing yourself?")).to_be_visible()
    await expect(page.get_by_text("The on-call counselor would be called at once.")).to_be_visible()
    await page.get_by_role("button", name="Yes", exact=True).click()
    await expect(page.get_by_text("Have you thought about how you would do it?")).to_be_visible()
    await expect(page.get_by_text("Nobody else would be told by this answer.")).to_be_visible()
    await page.get_by_role("link", name="Start again").click()
    await page.get_by_label("Words to try").fill("my lab report is due on friday")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("nobody would be told")).to_be_visible()
    await counselor.page.reload()
    assert await counselor.known() == known
    await student.page.goto("/chat/history")
    await expect(student.page.get_by_text("kill myself")).to_have_count(0)


async def test_without_a_yes_a_misread_just_closes(student: Student, counselor: Counselor) -> None:
    known = await counselor.known()
    await student.say(SONG)
    await counselor.open_new_case(known)
    await counselor.claim()
    address = counselor.page.url
    await counselor.page.goto(f"{address}/transcript")
    await expect(counselor.page.get_by_text("Should have been flagged")).to_have_count(0)
    await counselor.page.goto(address)
    await counselor.close("misread")
    await expect(counselor.page.get_by_role("heading", name="Queue")).to_be_visible()


async def test_with_a_yes_a_misread_is_read_masked_and_kept_and_a_no_deletes_it(
    student: Student, counselor: Counselor, site: Site, browsing: Browsing
) -> None:
    await student.page.goto("/yours")
    examples = student.page.get_by_role("region", name="Help to make the check better")
    await expect(examples).to_contain_text("You have not agreed.")
    await examples.get_by_role("button", name="I agree").click()
    await expect(examples).to_contain_text("Nothing was kept so far.")
    login = site.login("counselor", 1)
    plain = Counselor(await browsing.page(DESK, script=False), login.email, login.password)
    await plain.sign_in()
    known = await counselor.known()
    await student.page.goto("/chat/new")
    await student.say(SONG)
    await expect(counselor.new_case(known)).to_be_visible()
    address = await counselor.new_case(known).get_attribute("href")
    assert address is not None
    page = plain.page
    await page.goto(address)
    await plain.claim()
    await plain.close("misread")
    words = page.get_by_label("The message, masked")
    await expect(words).to_have_value(MASKED)
    await page.get_by_role("button", name="Keep and close the case").click()
    await expect(page.get_by_role("alert")).to_contain_text("Read the words and say so")
    await words.fill(f"{MASKED}, said Priya at 555-010-0142")
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Keep and close the case").click()
    await expect(page.get_by_role("alert")).to_contain_text("may still tell who wrote it")
    await expect(words).to_have_value(f"{MASKED}, said [name] at [number]")
    await page.get_by_label("I have read it").check()
    await page.get_by_role("button", name="Keep and close the case").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    await student.page.goto("/yours")
    await expect(examples).to_contain_text("1 kept so far.")
    await examples.get_by_role("button", name="Take it back").click()
    await expect(examples).to_contain_text("You have not agreed.")
