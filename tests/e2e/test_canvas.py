"""A student connects Canvas, reads how it stands, has it looked at and takes it back: in a browser, over the real worker."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import DESK, PHONE, Browsing
from tests.e2e.people import Student

LOOKS = [(size, theme) for size in (PHONE, DESK) for theme in ("light", "dark")]


async def clean(page: Page, state: str) -> None:
    """Nothing that axe-core finds, and nothing wider than the screen, at both sizes and in both themes."""
    for (width, height), theme in LOOKS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (await violations(page), wide) == ([], 0), f"{state} {width} {theme}"


async def say_yes_in_canvas(page: Page, name: str = "Maya Okafor") -> None:
    """The simulated Canvas asks who one is, and whether one allows it."""
    await page.get_by_label("You are").select_option(label=name)
    await page.get_by_role("button", name="Authorize").click()


async def until_synced(page: Page) -> None:
    """The worker looks by itself; the page says so when it is opened again."""
    for _ in range(60):
        await page.goto("/canvas")
        if await page.get_by_text("within a week").count():
            return
        await page.wait_for_timeout(500)
    raise AssertionError("Canvas was not synced")


async def test_a_student_agrees_connects_syncs_and_disconnects(student: Student, browsing: Browsing) -> None:
    someone = Student(await browsing.page(script=False), student.email, student.password)
    await someone.sign_in()
    page = student.page
    await page.goto("/yours")
    await page.get_by_role("link", name="Canvas").click()
    await expect(page.get_by_text("You have not agreed.")).to_be_visible()
    await expect(page.get_by_role("link", name="Go to Canvas")).to_have_count(0)
    await clean(page, "not agreed")
    await page.get_by_role("button", name="I agree").click()
    await clean(page, "agreed")
    await page.get_by_role("link", name="Go to Canvas").click()
    await say_yes_in_canvas(page)
    await expect(page.get_by_role("heading", name="How it stands")).to_be_visible()
    await until_synced(page)
    await expect(page.get_by_text("4 courses")).to_be_visible()
    await expect(page.get_by_text("UTC")).to_have_count(0)
    await clean(page, "connected")
    await page.goto("/studies")
    await expect(page.get_by_role("heading", name="How full the week is")).to_be_visible()
    await expect(page.get_by_text("Midterm 2").first).to_be_visible()
    await clean(page, "work")
    await page.get_by_label("What is to do").fill("Return the library books")
    await page.get_by_role("button", name="Add it").click()
    await page.get_by_role("link", name="Return the library books").click()
    await clean(page, "task")
    await page.get_by_role("button", name="Mark it as done").click()
    await expect(page.get_by_text("Return the library books")).to_have_count(0)
    await page.goto("/studies/times")
    await page.get_by_label("From", exact=True).fill("09:00")
    await page.get_by_label("To", exact=True).fill("11:00")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_text("Monday 09:00 to 11:00")).to_be_visible()
    await clean(page, "times")
    await page.goto("/canvas")
    await page.get_by_role("button", name="Sync now").click()
    await expect(page.get_by_role("status")).to_contain_text("Asked.")
    await someone.page.goto("/canvas")
    await someone.page.get_by_role("button", name="Disconnect Canvas").click()
    await expect(someone.page.get_by_role("status")).to_contain_text("the permission in Canvas is taken back")
    await page.goto("/canvas")
    await expect(page.get_by_text("You have not agreed.")).to_be_visible()


async def test_a_no_in_canvas_has_words(student: Student) -> None:
    page = student.page
    await page.goto("/canvas")
    await page.get_by_role("button", name="I agree").click()
    await page.get_by_role("link", name="Go to Canvas").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("You said no in Canvas, so nothing was connected.")
    await clean(page, "said no")
