"""Screenshots of the pages of a running service: `python -m tests.e2e.screens ADDRESS PASSWORD FOLDER`.

Signs in as the demo campus's people, so it needs the demo campus. Both sizes, both themes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.people import Counselor, Student

CHROMIUM = os.environ.get("COMPANION_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = (390, 844), (1280, 800)
SIZES = {"390x844": PHONE, "1280x800": DESK}
THEMES = ("light", "dark")
OPEN = {
    "landing": "/",
    "help": "/help?region=US",
    "sign-in": "/sign-in",
    "register": "/register",
    "about": "/about",
    "protocol": "/protocol",
}
HERS = {"library": "/library", "article": "/library/awake-at-3am", "plan": "/plan"}
OTHERS = {
    "jonas@demo.example": "i cut myself again last night and the urge is still strong",
    "amara@demo.example": "sometimes i wish i could fall asleep and not wake up",
    "wei@demo.example": "my friend says she wants to die and i don't know what to do",
}
STUDENT, COUNSELOR = "maya@demo.example", "rosa@demo.example"


@dataclass(frozen=True)
class Camera:
    """Takes every page in both sizes and themes, and counts what it wrote."""

    browser: Browser
    address: str
    folder: Path

    async def person(self, size: tuple[int, int] = PHONE) -> Page:
        """A page with nobody signed in."""
        context = await self.browser.new_context(
            base_url=self.address, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        return await context.new_page()

    async def take(self, page: Page, name: str, address: str | None = None) -> None:
        """Save the page as it stands, or at an address, in every look."""
        for label, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            if address is not None:
                await page.goto(address)
            for theme in THEMES:
                await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                await page.evaluate("document.fonts.ready")
                await page.screenshot(path=self.folder / f"{name}-{label}{'-dark' if theme == 'dark' else ''}.png")
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")


def take_screens(address: str, password: str, folder: Path) -> list[Path]:
    """Take every page of a service that runs with the demo campus; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_take_all(address, password, folder))
    return sorted(folder.glob("*.png"))


async def _take_all(address: str, password: str, folder: Path) -> None:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        camera = Camera(browser, address, folder)
        anybody = await camera.person()
        for name, where in OPEN.items():
            await camera.take(anybody, name, where)
        student = Student(await camera.person(), STUDENT, password)
        counselor = Counselor(await camera.person(DESK), COUNSELOR, password)
        await student.sign_in()
        await counselor.sign_in()
        for name, where in HERS.items():
            await camera.take(student.page, name, where)
        await _conversation(camera, student)
        known = await counselor.known()
        async with httpx.AsyncClient(base_url=address, timeout=30) as api:
            for email, words in OTHERS.items():
                await _write(api, email, password, words)
            await _crisis(camera, student, counselor)
            await _close_as_tests(api, password, known)
        await browser.close()


async def _signed_in(api: httpx.AsyncClient, email: str, password: str) -> dict[str, str]:
    answer = await api.post("/api/v1/auth/login", json={"email": email, "password": password})
    return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


async def _write(api: httpx.AsyncClient, email: str, password: str, words: str) -> None:
    who = await _signed_in(api, email, password)
    conversation = (await api.post("/api/v1/conversations", headers=who)).raise_for_status().json()["id"]
    sent = await api.post(f"/api/v1/conversations/{conversation}/turns", headers=who, json={"text": words})
    sent.raise_for_status()


async def _close_as_tests(api: httpx.AsyncClient, password: str, known: set[str]) -> None:
    """Leave the queue as it was found."""
    who = await _signed_in(api, COUNSELOR, password)
    for entry in (await api.get("/api/v1/care/queue", headers=who)).raise_for_status().json()["entries"]:
        case = f"/api/v1/care/cases/{entry['id']}"
        if f"/console/cases/{entry['id']}" not in known:
            await api.post(f"{case}/claim", headers=who)
            await api.post(f"{case}/close", headers=who, json={"outcome": "test"})


async def _conversation(camera: Camera, student: Student) -> None:
    await camera.take(student.page, "chat-new", "/chat/new")
    await student.say("i can't start my lab report and it's due friday")
    await student.say("how does paced breathing work")
    await camera.take(student.page, "chat")


async def _crisis(camera: Camera, student: Student, counselor: Counselor) -> None:
    await student.page.goto("/chat/new")
    await counselor.page.reload()
    known = await counselor.known()
    await student.say("i keep thinking about killing myself tonight")
    await expect(student.status).to_contain_text("Sent")
    await camera.take(student.page, "crisis")
    await student.page.locator(".replies .chip").first.click()
    await student.settled()
    await expect(counselor.new_case(known)).to_be_visible()
    await camera.take(counselor.page, "queue")
    await counselor.open_new_case(known)
    await camera.take(counselor.page, "case")
    await counselor.page.get_by_role("button", name="Claim this case").click()
    await counselor.reply(
        "Hi Maya, this is Rosa from the counseling center. I'm a person. Are you somewhere safe right now?"
    )
    await camera.take(counselor.page, "case-live")
    await expect(student.people.last).to_be_visible()
    await camera.take(student.page, "person")
    await counselor.hand_back("I'll be back at nine. The lines above answer all night.")
    await counselor.close("test")


if __name__ == "__main__":
    taken = take_screens(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    sys.stdout.write(f"{len(taken)} screenshots\n")
