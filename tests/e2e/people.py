"""What people do on the pages, in their words: page objects for the journeys."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    page: Page
    email: str
    password: str

    async def sign_in(self) -> None:
        """Sign in by the form."""
        await self.page.goto("/sign-in")
        await self.page.get_by_label("Email").fill(self.email)
        await self.page.get_by_label("Password").fill(self.password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page).not_to_have_url(re.compile("sign-in"))


class Student(Person):
    """Somebody who talks."""

    @property
    def box(self) -> Locator:
        return self.page.get_by_label("Your message")

    @property
    def own(self) -> Locator:
        """What the student wrote, as the page shows it."""
        return self.page.locator(".message--student .message__text")

    @property
    def replies(self) -> Locator:
        return self.page.locator(".message--companion .message__text")

    @property
    def script(self) -> Locator:
        return self.page.locator(".message--script .message__text")

    @property
    def people(self) -> Locator:
        """What counselors wrote."""
        return self.page.locator(".message--counselor .message__text")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("region", name="Ways to reach people")

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    async def write(self, text: str) -> None:
        """Type a message and send it with the keyboard, once the page's script is there."""
        await expect(self.page.locator("#chat[data-ready]")).to_be_attached()
        await self.box.fill(text)
        await self.box.press("Enter")

    async def settled(self) -> None:
        """Wait until nothing on the page is provisional any more."""
        await expect(self.page.locator("#messages > :not([data-id], [data-when])")).to_have_count(0)

    async def say(self, text: str) -> None:
        """Send a message and wait for the whole answer."""
        await self.write(text)
        await expect(self.own.last).to_have_text(text)
        await self.settled()


class Counselor(Person):
    """Somebody on duty."""

    @property
    def queue(self) -> Locator:
        return self.page.get_by_role("region", name="Open cases")

    @property
    def cases(self) -> Locator:
        return self.queue.locator(".case")

    @property
    def talk(self) -> Locator:
        """What was said in the case that is open."""
        return self.page.locator("#talk .said")

    @property
    def answer(self) -> Locator:
        return self.page.get_by_label("Reply as a person")

    @property
    def standing(self) -> Locator:
        """Where the case that is open stands."""
        return self.page.locator("#live")

    async def claim(self) -> None:
        """Take the case that is open on."""
        await self.page.get_by_role("button", name="Claim this case").click()
        await expect(self.standing).to_contain_text("Yours")

    async def known(self) -> set[str]:
        """The addresses of the cases in the queue."""
        return {await case.get_attribute("href") or "" for case in await self.cases.all()}

    def new_case(self, known: set[str]) -> Locator:
        """The case that was not there before."""
        return self.page.locator(".case" + "".join(f':not([href="{address}"])' for address in known))

    async def open_new_case(self, known: set[str]) -> None:
        """Wait until the queue shows the case, and open it."""
        await self.new_case(known).click()
        await expect(self.page.get_by_role("heading", name="What was said")).to_be_visible()

    async def reply(self, text: str) -> None:
        """Write to the student."""
        await self.answer.fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()
        await expect(self.answer).to_have_value("")

    async def hand_back(self, words: str) -> None:
        """Give the conversation back to the software."""
        await self.page.get_by_role("button", name="Hand back").click()
        await self.page.get_by_label("Your last words to the student").fill(words)
        await self.page.get_by_role("button", name="Send and hand back").click()

    async def close(self, outcome: str) -> None:
        """Close the case."""
        await self.page.get_by_role("button", name="Close the case").click()
        await self.page.get_by_label("How it ended").select_option(outcome)
        await self.page.get_by_role("button", name="Close it").click()
