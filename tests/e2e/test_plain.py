"""What works without a script, without an account, and within a small budget."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.conftest import Browsing
from tests.e2e.people import Student
from tests.site import Site

STATIC = Path(__file__).parents[2] / "api" / "web" / "static"
SCRIPT_BUDGET = 60_000


async def test_help_needs_no_script_and_no_account(browsing: Browsing) -> None:
    """One tap from the landing page, then a country, then a number to tap."""
    page = await browsing.page(script=False)
    await page.goto("/")
    await page.get_by_role("link", name="I need help now").click()
    await expect(page.get_by_role("heading", name="Help now")).to_be_visible()
    await expect(page.get_by_role("link", name="Open the finder")).to_be_visible()
    await page.get_by_label("Where are you?").select_option("US")
    await page.get_by_role("button", name="Show lines").click()
    assert await page.get_by_role("link", name="Call 911").get_attribute("href") == "tel:911"
    assert await page.get_by_role("link", name="Call 988").first.get_attribute("href") == "tel:988"
    assert await page.get_by_role("link", name="Text HOME to 741741").get_attribute("href") == "sms:741741?body=HOME"


async def test_help_is_there_without_a_connection(browsing: Browsing) -> None:
    """After one visit the lines of the last region are on the device, whatever page is asked for."""
    page = await browsing.page(keeps_help=True)
    await page.goto("/")
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await page.goto("/help?region=US")
    await page.context.set_offline(True)
    for address in ("/help", "/chat"):
        await page.goto(address)
        await expect(page.get_by_role("link", name="Call 988").first).to_have_attribute("href", "tel:988")
    assert await page.evaluate("getComputedStyle(document.querySelector('.button--help')).borderRadius") != "0px"


async def test_help_is_one_tap_away_everywhere(browsing: Browsing, student: Student) -> None:
    """Signed in or not."""
    page = await browsing.page()
    for address in ("/", "/about", "/sign-in", "/register", "/help", "/nowhere"):
        await page.goto(address)
        await expect(page.get_by_role("link", name="I need help now")).to_have_attribute("href", "/help")
    for address in ("/chat/new", "/library", "/plan", "/library/awake-at-3am"):
        await student.page.goto(address)
        await expect(student.page.get_by_role("link", name="I need help now")).to_have_attribute("href", "/help")


async def test_chat_without_a_script(site: Site, browsing: Browsing) -> None:
    """Register, talk and meet the crisis script by plain forms."""
    page = await browsing.page(script=False)
    await page.goto("/register")
    await page.get_by_label("What should it call you?").fill("Ida")
    await page.get_by_label("Email").fill(f"plain-{site.port}@demo.example")
    await page.get_by_label("Password").fill("four quiet words here")
    await page.get_by_label("Your age").select_option("18_24")
    await page.get_by_label("Where you are").select_option("US")
    await page.get_by_role("button", name="Create the account").click()
    plain = Student(page, "", "")
    await plain.box.fill("i feel low today")
    await page.get_by_role("button", name="Send").click()
    await expect(plain.replies).to_have_count(1)
    await plain.box.fill("i want to kill myself")
    await page.get_by_role("button", name="Send").click()
    await expect(plain.script.last).to_contain_text("Are you thinking about killing yourself?")
    await expect(plain.panel.get_by_role("link", name="Call 988")).to_be_visible()
    await page.get_by_role("button", name="Rather not say").click()
    await expect(plain.own.last).to_have_text("Rather not say")


async def test_words_typed_without_a_session_survive_the_sign_in(student: Student, browsing: Browsing) -> None:
    """No script, session over: the sign-in page carries the words along."""
    page = await browsing.page(script=False)
    someone = Student(page, student.email, student.password)
    await someone.sign_in()
    await page.goto("/chat/new")
    await page.context.clear_cookies()
    await someone.box.fill("do not lose this")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_label("Email").fill(student.email)
    await page.get_by_label("Password").fill(student.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_label("Your message")).to_have_value("do not lose this")
    await page.get_by_role("button", name="Send it").click()
    await expect(someone.own).to_have_text(["do not lose this"])


async def test_signing_out_ends_it(student: Student) -> None:
    """After signing out the chat asks for a sign-in and leads back."""
    await student.page.goto("/library")
    await student.page.get_by_role("button", name="Sign out").click()
    await student.page.goto("/chat")
    await expect(student.page).to_have_url(re.compile(r"/sign-in\?next=/chat"))


async def test_signing_in_never_leads_to_another_site(student: Student, browsing: Browsing) -> None:
    """A link with a foreign address in it lands at home."""
    for bad in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        page = await browsing.page()
        await page.goto(f"/sign-in?next={bad}")
        await page.get_by_label("Email").fill(student.email)
        await page.get_by_label("Password").fill(student.password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(re.compile("/chat"))


def test_scripts_stay_within_the_budget() -> None:
    """Own and vendored scripts together, gzipped."""
    total = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.rglob("*.js"))
    assert total < SCRIPT_BUDGET, f"{total} bytes"
