"""The student's chat as a person meets it, and what happens when something on the way breaks."""

from __future__ import annotations

import re

from playwright.async_api import Route, expect

from tests.e2e.conftest import Browsing, new_student
from tests.e2e.people import Student
from tests.site import Site

TURNS = re.compile(r"/api/v1/conversations/[^/]+/turns$")


async def test_a_reply_streams_and_stays(student: Student) -> None:
    """The reply shows up in the log, and the page tells the same after a reload."""
    await student.say("i can't start my essay and it's due friday")
    await expect(student.replies).to_have_count(1)
    said = await student.replies.first.inner_text()
    assert len(said) > 20
    await student.page.reload()
    await expect(student.replies.first).to_have_text(said)
    await expect(student.own).to_have_text(["i can't start my essay and it's due friday"])


async def test_a_source_opens_its_section(student: Student) -> None:
    """A citation leads to the article, at the heading it names."""
    link = student.page.locator("a.source").first
    await student.say("how does paced breathing work")
    await expect(link).to_be_visible()
    target = (await link.get_attribute("href") or "").partition("#")[2]
    await link.click()
    await expect(student.page).to_have_url(re.compile(r"/library/[a-z0-9-]+#"))
    await expect(student.page.locator(f"[id='{target}']")).to_be_in_viewport()
    await expect(student.page.get_by_text("No clinician has reviewed this article yet")).to_be_visible()


async def test_a_broken_stream_is_taken_up_again(student: Student) -> None:
    """The stream ends after its first events; the page asks for the rest and nothing is missing or twice."""
    resumed: list[str | None] = []

    async def cut(route: Route) -> None:
        whole = await route.fetch()
        frames = (await whole.text()).split("\n\n")
        await route.fulfill(response=whole, body="\n\n".join(frames[:2]) + "\n\n")

    async def watch(route: Route) -> None:
        resumed.append(route.request.headers.get("last-event-id"))
        await route.continue_()

    await student.page.route(TURNS, cut)
    await student.page.route(re.compile(r"/turns/[^/]+/events$"), watch)
    await student.say("i feel a bit lonely since i moved here")
    await expect(student.replies).to_have_count(1)
    assert resumed and resumed[0]
    streamed = await student.replies.first.inner_text()
    await student.page.reload()
    await expect(student.replies.first).to_have_text(streamed)


async def test_a_lost_answer_never_doubles_the_message(student: Student) -> None:
    """The service took the message but its answer got lost: the page sends it again with the same key."""
    keys: list[str | None] = []

    async def lose_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await student.page.route(TURNS, lose_first)
    await student.say("my roommate and i had a fight")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    await student.page.reload()
    await expect(student.own).to_have_count(1)
    await expect(student.replies).to_have_count(1)


async def test_without_a_connection_the_words_stay(student: Student) -> None:
    """Nothing gets through: the words stay on the screen with what to do, and go out once."""
    await student.say("hello there")
    await student.page.context.set_offline(True)
    await student.write("please keep this")
    again = student.page.get_by_role("button", name="Send again")
    await expect(again).to_be_visible()
    await expect(student.own.last).to_have_text("please keep this")
    await expect(student.page.locator(".unsent").get_by_role("link", name="Help lines")).to_be_visible()
    await student.page.context.set_offline(False)
    await again.click()
    await student.settled()
    await student.page.reload()
    await expect(student.own).to_have_text(["hello there", "please keep this"])


async def test_too_long_a_message_comes_back_to_the_box(student: Student) -> None:
    """What is refused for its length is in the box again, with the reason."""
    await student.write("long " * 40_000)
    await expect(student.page.locator("#trouble")).to_contain_text("too long")
    assert (await student.box.input_value()).startswith("long long")


async def test_an_ended_session_keeps_the_words(student: Student) -> None:
    """The session ends while words are in the box: sign in on the spot, and they go out."""
    await student.say("first")
    await student.page.context.clear_cookies()
    await student.write("second, while signed out")
    sheet = student.page.get_by_role("dialog")
    await expect(sheet).to_be_visible()
    await sheet.get_by_label("Email").fill(student.email)
    await sheet.get_by_label("Password").fill(student.password)
    await sheet.get_by_role("button", name="Sign in and send").click()
    await expect(sheet).to_be_hidden()
    await student.settled()
    await student.page.reload()
    await expect(student.own).to_have_text(["first", "second, while signed out"])


async def test_a_spent_access_token_is_renewed_unseen(student: Student) -> None:
    """Only the short token is gone: the page renews it and nobody notices."""
    await student.say("first")
    await student.page.context.clear_cookies(name="companion_access")
    await student.say("second")
    await expect(student.page.get_by_role("dialog")).to_be_hidden()
    await student.page.context.clear_cookies(name="companion_access")
    await student.page.reload()
    await expect(student.own).to_have_count(2)


async def test_two_messages_at_once_keep_their_order(student: Student) -> None:
    """Sending does not wait for the reply before."""
    said = ["the library was full today", "so i went home", "and now i have to start on chemistry"]
    for words in said:
        await student.write(words)
    await student.settled()
    await student.page.reload()
    await expect(student.own).to_have_text(said)
    await expect(student.replies).to_have_count(3)


async def test_nobody_elses_conversation(student: Student, site: Site, browsing: Browsing) -> None:
    """Another student's address leads to a page that says so, with the way to help."""
    await student.say("only mine")
    stranger = await new_student(site, browsing)
    response = await stranger.page.goto(student.page.url)
    assert response is not None
    assert response.status == 404
    await expect(stranger.page.get_by_role("link", name="See the help lines")).to_be_visible()
    await expect(stranger.page.get_by_text("only mine")).to_have_count(0)


async def test_delete_a_conversation(student: Student) -> None:
    """After a second question it is gone."""
    await student.say("please forget this")
    await student.page.reload()
    address = student.page.url
    await student.page.get_by_role("button", name="Who can see this").click()
    await student.page.get_by_role("button", name="Delete this conversation").click()
    await student.page.get_by_role("button", name="Delete it").click()
    await expect(student.page).to_have_url(re.compile("/chat/new"))
    response = await student.page.goto(address)
    assert response is not None
    assert response.status == 404
