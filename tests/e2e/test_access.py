"""axe-core on every page and state, at both sizes and in both themes; nothing wider than the screen, no small targets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import DESK, PHONE, Browsing, Size, Theme, new_student
from tests.e2e.people import Counselor, Person, Student
from tests.site import Site

LOOKS = [(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")]
looks = pytest.mark.parametrize(("size", "theme"), LOOKS, ids=["phone-light", "phone-dark", "desk-light", "desk-dark"])
Check = Callable[[Page, str], Awaitable[None]]
TOO_SMALL = """() => [...document.querySelectorAll("a.button, button, select, input:not([type=hidden])")]
  .filter((node) => node.checkVisibility() && !node.closest(".quiet, p, li.prose"))
  .map((node) => [node.outerHTML.slice(0, 90), node.getBoundingClientRect().height])
  .filter(([, height]) => height > 0 && height < 24)"""


@pytest.fixture
async def check() -> Check:
    """Collects what is wrong with a page in a state."""

    async def look(page: Page, state: str) -> None:
        found = await violations(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        small = await page.evaluate(TOO_SMALL)
        assert (found, wide, small) == ([], 0, []), state

    return look


@looks
async def test_pages_without_an_account(browsing: Browsing, check: Check, size: Size, theme: Theme) -> None:
    """Landing, about, the forms with and without a mistake, help, what is not there."""
    page = await browsing.page(size, theme)
    for address in ("/", "/about", "/protocol", "/sign-in", "/register", "/help", "/help?region=US", "/nowhere"):
        await page.goto(address)
        await check(page, address)
    await page.goto("/sign-in")
    await page.get_by_label("Email").fill("nobody@demo.example")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await check(page, "sign-in with a mistake")


@looks
async def test_pages_of_a_student(site: Site, browsing: Browsing, check: Check, size: Size, theme: Theme) -> None:
    """A new chat, a reply, the sheets, a message that did not get through, a crisis, library, plan."""
    student = await new_student(site, browsing, size, theme)
    page = student.page
    await page.goto("/chat/new")
    await check(page, "new chat")
    await student.say("how does paced breathing work")
    await check(page, "reply")
    await page.get_by_role("button", name="Who can see this").last.click()
    await check(page, "who can see this")
    await page.keyboard.press("Escape")
    if size == PHONE:
        await page.get_by_role("button", name="Menu").click()
        await check(page, "menu")
        await page.keyboard.press("Escape")
    await page.context.set_offline(True)
    await student.write("does this get through")
    await expect(page.get_by_role("button", name="Send again")).to_be_visible()
    await page.context.set_offline(False)
    await check(page, "not sent")
    await page.get_by_role("button", name="Send again").click()
    await student.settled()
    await student.say("i want to kill myself")
    await expect(student.panel).to_be_visible()
    await check(page, "crisis")
    conversation = page.url
    await page.context.clear_cookies()
    await student.write("are you there")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await check(page, "sign in again")
    await page.keyboard.press("Escape")
    page.on("dialog", lambda dialog: dialog.accept())
    await student.sign_in()
    for address in (
        "/library",
        "/library/awake-at-3am",
        "/plan",
        "/yours",
        "/canvas",
        "/studies",
        "/studies/times",
        "/crisis-terms",
        "/rehearsal",
        f"{conversation}/looks",
        "/looks",
    ):
        await page.goto(address)
        await check(page, address)


@looks
async def test_pages_of_a_counselor(site: Site, browsing: Browsing, check: Check, size: Size, theme: Theme) -> None:
    """Queue, case before and after the claim, each sheet, transcript, evidence."""
    login = site.login("counselor")
    counselor = Counselor(await browsing.page(size, theme), login.email, login.password)
    await counselor.sign_in()
    known = await counselor.known()
    student: Student = await new_student(site, browsing)
    await student.say("i want to kill myself tonight")
    await expect(counselor.new_case(known)).to_be_visible()
    page = counselor.page
    await check(page, "queue")
    await counselor.open_new_case(known)
    await check(page, "case")
    await page.get_by_role("button", name="Claim this case").click()
    await expect(page.get_by_role("button", name="Close the case")).to_be_visible()
    await check(page, "claimed")
    for name in ("Close the case", "Give it back", "Note", "Severity", "Follow-up", "Hand to a colleague"):
        await page.get_by_role("button", name=name, exact=True).click()
        await check(page, name)
        await page.keyboard.press("Escape")
    await counselor.reply("Hi, I'm a person.")
    await check(page, "in the conversation")
    address = page.url
    for more in ("transcript", "evidence", "dispatch"):
        await page.goto(f"{address}/{more}")
        await check(page, more)


@looks
async def test_pages_of_a_supervisor_and_an_operator(
    site: Site, browsing: Browsing, check: Check, size: Size, theme: Theme
) -> None:
    """Figures, schedule, protocol to sign, what must be filled in, with and without a mistake."""
    for role, addresses in (
        ("supervisor", ("/console/report", "/console/rota", "/console/protocol", "/console/protocol/policy")),
        ("admin", ("/operator",)),
    ):
        login = site.login(role)
        someone = Person(await browsing.page(size, theme), login.email, login.password)
        await someone.sign_in()
        for address in addresses:
            await someone.page.goto(address)
            await check(someone.page, address)
        if role == "admin":
            await someone.page.get_by_label("Number when nobody is on call").fill("12")
            await someone.page.get_by_role("button", name="Write it down").click()
            await expect(someone.page.get_by_role("alert").first).to_be_visible()
            await check(someone.page, "operation with a mistake")


@looks
async def test_pages_of_an_example(site: Site, browsing: Browsing, check: Check, size: Size, theme: Theme) -> None:
    """A message that was missed and one that was misread, masked."""
    login = site.login("counselor")
    counselor = Counselor(await browsing.page(size, theme), login.email, login.password)
    await counselor.sign_in()
    known = await counselor.known()
    student = await new_student(site, browsing)
    await student.page.goto("/yours")
    await student.page.get_by_role("button", name="I agree").click()
    await student.page.goto("/chat/new")
    await student.say("my roommate Priya hums all day")
    await student.say("i want to kill myself tonight")
    await counselor.open_new_case(known)
    await counselor.claim()
    page, address = counselor.page, counselor.page.url
    await page.goto(f"{address}/transcript")
    await page.get_by_role("link", name="Should have been flagged").first.click()
    await check(page, "a miss")
    await page.goto(address)
    await counselor.close("misread")
    await expect(page.get_by_role("heading", name="Keep the misread as an example?")).to_be_visible()
    await check(page, "a misread")
