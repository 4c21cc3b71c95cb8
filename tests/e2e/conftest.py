"""A real browser against the real service."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Literal

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.e2e.people import Counselor, Student
from tests.site import Site

CHROMIUM = os.environ.get("COMPANION_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Size = tuple[int, int]
Theme = Literal["light", "dark"]
PHONE: Size = (390, 844)
DESK: Size = (1280, 800)
PASSWORD = "four quiet words here"
MEANT = ("Failed to load resource", "Service Worker registration blocked")


@dataclass(frozen=True)
class Browsing:
    """Opens pages as one person each, and keeps what the browser complained about."""

    opens: Callable[..., Awaitable[Page]]
    complaints: list[str]
    foreign: list[str]
    """Requests that left this service and the campus's Canvas."""

    async def page(
        self, size: Size = PHONE, theme: Theme = "light", *, script: bool = True, keeps_help: bool = False
    ) -> Page:
        """A browser of its own; with `keeps_help` it may keep the help page on the device."""
        return await self.opens(size, theme, script, keeps_help)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def browsing(chromium: Browser, site: Site) -> AsyncIterator[Browsing]:
    """Pages that report errors of scripts, refusals of the content policy and requests to anywhere else."""
    complaints: list[str] = []
    foreign: list[str] = []
    async with AsyncExitStack() as stack:

        async def opens(size: Size, theme: Theme, script: bool, keeps_help: bool) -> Page:
            context = await chromium.new_context(
                base_url=site.address,
                viewport={"width": size[0], "height": size[1]},
                color_scheme=theme,
                java_script_enabled=script,
                reduced_motion="reduce",
                service_workers="allow" if keeps_help else "block",
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(15_000)
            page = await context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console", lambda said: complaints.append(said.text) if _is_complaint(said.type, said.text) else None
            )
            known = (site.address, site.settings.canvas_url or site.address)
            page.on("request", lambda sent: foreign.append(sent.url) if _leaves(sent.url, known) else None)
            return page

        yield Browsing(opens, complaints, foreign)
    assert complaints == []
    assert foreign == []


def _is_complaint(kind: str, text: str) -> bool:
    return kind in ("error", "warning") and not text.startswith(MEANT)


def _leaves(url: str, known: tuple[str, ...]) -> bool:
    return not url.startswith((*known, "data:", "blob:"))


@pytest.fixture
async def student(site: Site, browsing: Browsing) -> Student:
    """A new student who is signed in on a phone."""
    return await new_student(site, browsing)


async def new_student(site: Site, browsing: Browsing, size: Size = PHONE, theme: Theme = "light") -> Student:
    """Register a student and sign them in through the page."""
    email = f"student-{os.urandom(6).hex()}@demo.example"
    account = {
        "email": email, "password": PASSWORD, "name": "Noor", "age_band": "18_24", "region": "US",
        "time_zone": "America/Denver",
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=site.address, timeout=30) as client:
        (await client.post("/api/v1/auth/register", json=account)).raise_for_status()
    someone = Student(await browsing.page(size, theme), email, PASSWORD)
    await someone.sign_in()
    return someone


@pytest.fixture
async def counselor(site: Site, browsing: Browsing) -> Counselor:
    """The counselor on call, signed in at a desk."""
    login = site.login("counselor")
    someone = Counselor(await browsing.page(DESK), login.email, login.password)
    await someone.sign_in()
    return someone
