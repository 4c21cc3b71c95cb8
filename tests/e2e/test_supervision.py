"""The supervisor's and the operator's pages: figures, schedule, signatures, what must be filled in. Plain forms throughout."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, Browsing
from tests.e2e.people import Counselor, Person, Student
from tests.site import Site


@pytest.fixture
async def supervisor(site: Site, browsing: Browsing) -> Page:
    login = site.login("supervisor")
    someone = Person(await browsing.page(DESK, script=False), login.email, login.password)
    await someone.sign_in()
    return someone.page


@pytest.fixture
async def operator(site: Site, browsing: Browsing) -> AsyncIterator[Page]:
    """The operator's page; what the tests wrote down is undone."""
    login = site.login("admin")
    someone = Person(await browsing.page(DESK, script=False), login.email, login.password)
    await someone.sign_in()
    yield someone.page
    await someone.page.goto("/operator")
    await someone.page.get_by_label("We staff every hour ourselves").check()
    await someone.page.get_by_label("Email when nobody is on call").fill("on-call@demo.example")
    await someone.page.get_by_role("button", name="Write it down").click()


async def test_the_report_counts_what_happened(student: Student, counselor: Counselor, supervisor: Page) -> None:
    known = await counselor.known()
    await student.say("i want to kill myself tonight")
    await counselor.open_new_case(known)
    await counselor.claim()
    await counselor.reply("Hi, I'm a person.")
    await counselor.hand_back("Tomorrow at ten.")
    await counselor.close("contacted")
    await expect(counselor.page.get_by_role("heading", name="Queue")).to_be_visible()
    await supervisor.get_by_role("link", name="Report").click()
    responses = supervisor.get_by_role("region", name="Response times").first
    await expect(responses).to_contain_text("Opened to first reply")
    await expect(supervisor.get_by_role("region", name="Pages per shift").first).to_contain_text(
        "a shift of eight hours"
    )
    rules = supervisor.get_by_role("region", name="Predictive value per rule").first
    await expect(rules).to_contain_text(re.compile(r"\d+ % to \d+ %"))
    await supervisor.get_by_role("link", name="7 days").click()
    await expect(supervisor.get_by_role("list", name="The queue now")).to_contain_text("overdue now")


async def test_a_supervisor_plans_and_a_counselor_reads(supervisor: Page, counselor: Counselor) -> None:
    await supervisor.get_by_role("link", name="On call").click()
    await expect(supervisor.get_by_role("heading", name="Nobody is on call")).to_be_visible()
    begins = datetime.now().replace(second=0, microsecond=0) + timedelta(days=3)  # noqa: DTZ005  # what a form sends
    await supervisor.get_by_label("Who").select_option(label="Sam Whitfield")
    await supervisor.get_by_label("From").fill(f"{begins:%Y-%m-%dT%H:%M}")
    await supervisor.get_by_label("To", exact=True).fill(f"{begins + timedelta(hours=8):%Y-%m-%dT%H:%M}")
    await supervisor.get_by_label("And the same in the weeks after").fill("1")
    await supervisor.get_by_role("button", name="Put on call").click()
    schedule = supervisor.get_by_role("region", name="Schedule")
    await expect(schedule.get_by_text("Sam Whitfield")).to_have_count(2)
    await counselor.page.goto("/console/rota")
    read = counselor.page.get_by_role("region", name="Schedule")
    await expect(read.get_by_text("Sam Whitfield")).to_have_count(2)
    await expect(counselor.page.get_by_role("button", name="Put on call")).to_have_count(0)
    await expect(counselor.page.get_by_role("button", name="Remove")).to_have_count(0)
    for left in (1, 0):
        await schedule.get_by_role("button", name="Remove").first.click()
        await expect(schedule.get_by_text("Sam Whitfield")).to_have_count(left)


async def test_everybody_on_duty_keeps_their_own_number(counselor: Counselor) -> None:
    page = counselor.page
    await page.goto("/console/rota")
    await page.get_by_label("For text messages when you are called").fill("5550100")
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_role("alert")).to_contain_text("country code")
    await page.get_by_label("For text messages when you are called").fill("+15550100123")
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_label("For text messages when you are called")).to_have_value("+15550100123")
    await page.get_by_label("For text messages when you are called").fill("")
    await page.get_by_role("button", name="Keep it").click()


async def test_a_part_is_read_and_signed_and_the_operator_sees_it(supervisor: Page, operator: Page) -> None:
    await supervisor.get_by_role("link", name="Protocol").click()
    part = supervisor.get_by_role("region", name="What staff read")
    await expect(part).to_contain_text("Nobody has signed it.")
    await part.get_by_role("link", name="Read it").click()
    await expect(supervisor.get_by_text("First words that a counselor may send or change.")).to_be_visible()
    await supervisor.get_by_label("Your name and qualification").fill("Dr. Ines Moreau, clinical psychologist")
    await supervisor.get_by_role("button", name="I have read it and sign it").click()
    await expect(part).to_contain_text("Signed by Dr. Ines Moreau")
    await operator.goto("/operator")
    ready = operator.get_by_role("region", name="Before it goes live")
    await expect(ready.get_by_role("listitem").filter(has_text="What staff read is signed")).to_contain_text("Done")
    await expect(ready.get_by_role("listitem").filter(has_text="The script is signed")).to_contain_text("To do")


async def test_an_operator_writes_down_who_answers(operator: Page) -> None:
    await expect(operator).to_have_url(re.compile("/operator$"))
    parts = operator.get_by_role("region", name="How the parts are")
    await expect(parts.get_by_role("listitem").filter(has_text="Screening")).to_contain_text("Fine")
    await operator.get_by_label("Nobody at some hours").check()
    await operator.get_by_role("button", name="Write it down").click()
    await expect(operator.get_by_role("alert")).to_contain_text("write down the hours")
    row = operator.locator(".hours").first
    for day in ("Mon", "Fri"):
        await row.get_by_label(day).check()
    await row.get_by_label("from").fill("09:00")
    await row.get_by_label("to").fill("17:00")
    await operator.get_by_label("Nobody at some hours").check()
    await operator.get_by_role("button", name="Write it down").click()
    ready = operator.get_by_role("region", name="Before it goes live")
    await expect(ready.get_by_role("listitem").filter(has_text="around the clock")).to_contain_text("Unstaffed")
    await expect(operator.locator(".hours").first.get_by_label("Fri")).to_be_checked()


async def test_an_operator_notes_the_lines_that_answered(operator: Page) -> None:
    await operator.get_by_label("Poison Help").check()
    await operator.get_by_role("button", name="These answered today").click()
    lines = operator.locator("#lines")
    await expect(lines.get_by_text("checked Today")).to_have_count(1)
