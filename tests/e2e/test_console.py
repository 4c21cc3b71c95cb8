"""The case page at work: what a counselor reads first, and that nothing they write is taken from them."""

from __future__ import annotations

import httpx
from playwright.async_api import expect

from tests.e2e.conftest import DESK, Browsing
from tests.e2e.people import Counselor, Student
from tests.site import Site

CRISIS = "i want to kill myself tonight"


async def write_terms(student: Student, site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", timeout=30) as api:
        login = {"email": student.email, "password": student.password}
        token = (await api.post("/auth/login", json=login)).raise_for_status().json()["access_token"]
        terms = {"call_first": "Priya", "never_call": "my father", "call_back_number": "+1 555 010 0142"}
        await api.put("/crisis-terms", json=terms, headers={"authorization": f"Bearer {token}"})


async def test_a_counselor_reads_first_what_counts_first(student: Student, counselor: Counselor, site: Site) -> None:
    """Own terms first, then the danger, one tap to call; online as long as the student's page is open."""
    await write_terms(student, site)
    known = await counselor.known()
    await student.say(CRISIS)
    await student.page.get_by_role("button", name="Yes", exact=True).click()
    await student.settled()
    await counselor.open_new_case(known)
    page = counselor.page
    first = page.locator(".file__facts > *").first
    await expect(first).to_contain_text("Their crisis terms")
    await expect(first).to_contain_text("my father")
    glance = page.get_by_role("region", name="At a glance")
    await expect(glance).to_contain_text("Thinks about killing themself")
    await expect(page.get_by_role("region", name="Answers, in order")).to_contain_text("No answer yet")
    await expect(page.get_by_role("link", name="Call Noor")).to_have_attribute("href", "tel:+15550100142")
    await expect(counselor.standing).to_contain_text("Online now")
    await student.page.goto("/library")
    await expect(counselor.standing).to_contain_text("Last seen", timeout=40_000)


async def test_a_sheet_in_which_somebody_writes_is_not_taken_away(student: Student, counselor: Counselor) -> None:
    """The case becomes worse while a note is being written: the words stay, the new acts come afterwards."""
    known = await counselor.known()
    await student.say("sometimes i wish i could fall asleep and not wake up")
    await counselor.open_new_case(known)
    await counselor.claim()
    page = counselor.page
    await page.get_by_role("button", name="Note", exact=True).click()
    note = page.get_by_label("For colleagues, not shown to the student")
    await note.fill("Roommate is with")
    await student.say(CRISIS)
    await expect(counselor.talk.filter(has_text=CRISIS)).to_be_visible()
    await expect(note).to_have_value("Roommate is with")
    await note.fill("Roommate is with her.")
    await page.get_by_role("button", name="Keep the note").click()
    await page.get_by_text("What happened so far").click()
    await expect(page.get_by_text("Roommate is with her.")).to_be_visible()


async def test_who_outside_was_told_is_recorded_from_the_dispatch_sheet(student: Student, counselor: Counselor) -> None:
    """A person decides; the basis and the recipient are on record, and the look is in the student's list."""
    known = await counselor.known()
    await student.say(CRISIS)
    await counselor.open_new_case(known)
    await counselor.claim()
    page = counselor.page
    await page.get_by_role("link", name="Dispatch sheet").click()
    await expect(page.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    await page.get_by_label("Campus safety").check()
    await page.get_by_label("The threat that was the basis").fill("Says tonight, alone, does not answer the phone.")
    await page.get_by_role("button", name="Keep the record").click()
    await expect(page.get_by_role("region", name="Who else is acting")).to_contain_text("campus safety")
    await student.page.goto("/looks")
    await expect(
        student.page.get_by_role("listitem").filter(has_text="the sheet for emergency services")
    ).to_have_count(1)


async def test_a_case_without_a_script(student: Student, counselor: Counselor, site: Site, browsing: Browsing) -> None:
    """Open, claim, start with the opener, reply, hand back and close by plain forms."""
    known = await counselor.known()
    await student.say(CRISIS)
    await expect(counselor.new_case(known)).to_be_visible()
    address = await counselor.new_case(known).get_attribute("href")
    assert address is not None
    login = site.login("counselor", 1)
    plain = Counselor(await browsing.page(DESK, script=False), login.email, login.password)
    await plain.sign_in()
    await plain.page.goto(address)
    await plain.claim()
    await plain.page.get_by_role("link", name="Start with an opener").click()
    opener = await plain.answer.input_value()
    assert "Noor" in opener and "Sam Whitfield" in opener
    await plain.page.get_by_role("button", name="Send", exact=True).click()
    await expect(student.people).to_have_text([opener])
    await plain.hand_back("Tomorrow at ten.")
    await plain.close("contacted")
    await expect(plain.page.get_by_role("heading", name="Queue")).to_be_visible()
