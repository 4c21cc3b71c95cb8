"""What the pages say about the software, the protocol and the lines: to people, over HTTP, without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from api.web.rendering import environment
from core.ids import new_id
from safety.disclosure import Notice, notice_text
from safety.policy import load_policy
from safety.protocol import published_protocol
from tests.integration.api.conftest import Client, parse_events
from tests.site import Site

PASSWORD = "four quiet words here"


@pytest.fixture
def visitor(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.address, headers={"accept": "text/html"}, timeout=30) as client:
        yield client


@pytest.fixture
def minor(site: Site, visitor: httpx.Client) -> Client:
    """A new student of sixteen, signed in with cookies and a token."""
    email = f"{new_id().hex}@demo.example"
    account = {"email": email, "password": PASSWORD, "name": "Ida", "age_band": "16_17", "region": "US"}
    assert visitor.post("/api/v1/auth/register", json=account).status_code == 201
    login = visitor.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD, "browser": True})
    http = httpx.Client(base_url=f"{site.address}/api/v1", timeout=30)
    http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    return Client(http)


def words(page: str) -> str:
    """The page as it is read."""
    bare = re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").replace("&amp;", "&")
    return re.sub(r"\s+", " ", bare)


def test_the_chat_says_what_it_is_before_the_first_word_and_keeps_saying_it(
    visitor: httpx.Client, minor: Client
) -> None:
    fresh = words(visitor.get("/chat/new").text)
    assert notice_text(Notice.AI_AT_START) in fresh
    assert notice_text(Notice.NOT_FOR_SOME_MINORS) in fresh
    conversation = minor.begin()
    turn = minor.say(conversation, "the lab is due friday")
    assert [notice["kind"] for notice in turn["notices"]] == ["ai_at_start", "not_for_some_minors"]
    page = words(visitor.get(f"/chat/{conversation}").text)
    assert page.count(notice_text(Notice.AI_AT_START)) == 1


def test_a_due_reminder_shows_on_the_page_and_in_the_stream(site: Site, visitor: httpx.Client, minor: Client) -> None:
    conversation = minor.begin()
    minor.say(conversation, "the lab is due friday")
    me = minor.http.get("/me").json()["id"]
    with psycopg.connect(site.settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(
            "update profiles set notice_seen_at = notice_seen_at - interval '3 hours' where account_id = %s", (me,)
        )
    headers = {"Accept": "text/event-stream", "Idempotency-Key": str(new_id())}
    path = f"/conversations/{conversation}/turns"
    with minor.http.stream("POST", path, json={"text": "and the essay"}, headers=headers) as response:
        events = parse_events(response.iter_lines())
    assert [data["kind"] for name, data in events if name == "notice"] == ["ai_reminder", "minor_break"]
    page = words(visitor.get(f"/chat/{conversation}").text)
    assert notice_text(Notice.AI_REMINDER) in page
    assert notice_text(Notice.MINOR_BREAK) in page


def test_the_protocol_is_published_and_says_what_the_policy_does(visitor: httpx.Client) -> None:
    page = words(visitor.get("/protocol").text)
    for row in published_protocol().signals:
        assert row.what in page and row.person in page
    assert "No clinician has signed this version yet." in page
    assert "California SB 243" in page and "not therapy" in page
    assert load_policy().version in page
    assert "/protocol" in visitor.get("/about").text


def test_who_reads_along_is_said_as_it_is(visitor: httpx.Client) -> None:
    """The demo has no language model; with one, and with a second opinion, the page says so before anybody writes."""
    assert "without an AI model" in words(visitor.get("/about").text)
    page = environment().get_template("about.html")
    shown = {
        (model, opinion): words(page.render(path="/about", who=None, model=model, second_opinion=opinion))
        for model, opinion in ((False, False), (True, False), (True, True))
    }
    assert "gets what you write" in shown[True, False] and "gets what you write" not in shown[False, False]
    assert "the same AI model also reads" in shown[True, True] and "also reads" not in shown[True, False]


def test_the_help_page_shows_every_line_of_the_list_and_marks_what_is_not_checked(visitor: httpx.Client) -> None:
    american = visitor.get("/help?region=US").text
    for name in ("988 Suicide &amp; Crisis Lifeline", "Crisis Text Line", "Veterans Crisis Line", "The Trevor Project"):
        assert name in american
    assert "for veterans" in american and "by and for trans people" in american
    assert "press 3" not in american
    australian = words(visitor.get("/help?region=AU").text)
    assert australian.count("number not yet checked here") == 1, "the emergency number stands above the list"
    everyone = visitor.get("/api/v1/lines?region=US").json()["items"]
    assert {line["audience"] for line in everyone} == {"everyone"}
    some = visitor.get("/api/v1/lines?region=US&audience=trans").json()["items"]
    assert some[0]["id"] == "us-trans-lifeline"
